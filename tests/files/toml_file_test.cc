#include "files/toml_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

template <typename Body>
std::string toml_error(const Body& body) {
  try {
    body();
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

TEST(TomlFile, ReadsEveryType) {
  TomlFile f("a = \"x\"\nb = true\nc = 7\nd = 2.5\n[t]\ne = [\"p\", \"q\"]\nf = 3\ng = [1, 2.5]\n", "r.toml");
  EXPECT_EQ(f.text("a"), "x");
  EXPECT_EQ(f.flag("b"), true);
  EXPECT_EQ(f.integer("c"), 7);
  EXPECT_EQ(f.number("d"), 2.5);
  EXPECT_EQ(f.number("c"), 7.0);  // an integer is a number too
  EXPECT_EQ(f.texts("t.e"), (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(f.integers("t.f"), std::vector<std::int64_t>{3});  // one alone
  EXPECT_EQ(f.numbers("t.g"), (std::vector<double>{1.0, 2.5}));
  EXPECT_EQ(f.text("none"), std::nullopt);
  EXPECT_EQ(f.text("none.inner"), std::nullopt);
  EXPECT_TRUE(f.has("t.e"));
  EXPECT_FALSE(f.has("e"));
  f.refuse_unknown();
  EXPECT_EQ(f.table("t"), (nlohmann::json{{"e", {"p", "q"}}, {"f", 3}, {"g", {1, 2.5}}}));
}

TEST(TomlFile, NamesFileAndLine) {
  TomlFile f("a = 1\n\nb = \"x\"\nc = [1, \"y\"]\nd = inf\n", "r.toml");
  EXPECT_EQ(toml_error([&] { f.text("a"); }), "r.toml:1: a is an integer, expected text in quotes");
  EXPECT_EQ(toml_error([&] { f.number("b"); }), "r.toml:3: b is text, expected a finite number");
  EXPECT_EQ(toml_error([&] { f.integers("c"); }), "r.toml:4: c holds text, expected an integer in it");
  EXPECT_EQ(toml_error([&] { f.number("d"); }), "r.toml:5: d is a number, expected a finite number");
  EXPECT_EQ(toml_error([&] { f.refuse("e", "is missing"); }), "r.toml: e is missing");
}

TEST(TomlFile, RefusesWhatNobodyAskedFor) {
  TomlFile f("model = 1\n[finetune]\nmax-step = 3\nlr = 1\n[other]\nx = 1\n", "r.toml");
  f.integer("model");
  f.number("finetune.lr");
  f.integer("finetune.max-steps");
  EXPECT_EQ(toml_error([&] { f.refuse_unknown(); }),
            "r.toml:3: finetune.max-step is not known here (did you mean 'finetune.max-steps'?)");
  f.integer("finetune.max-step");
  EXPECT_EQ(toml_error([&] { f.refuse_unknown(); }), "r.toml:5: other is not known here");
  TomlFile value("finetune = 3\n", "r.toml");
  value.number("finetune.lr");
  EXPECT_EQ(toml_error([&] { value.refuse_unknown(); }), "r.toml:1: finetune is not known here");
}

TEST(TomlFile, RefusesWhatIsNoToml) {
  const auto error = [](std::string_view text) { return toml_error([&] { TomlFile(text, "r.toml"); }); };
  EXPECT_TRUE(error("a = 1\nb = = 2\n").starts_with("r.toml:2:5: ")) << error("a = 1\nb = = 2\n");
  EXPECT_TRUE(error("a = 1\na = 2\n").starts_with("r.toml:2:")) << error("a = 1\na = 2\n");
  EXPECT_TRUE(error("a = \"\xff\"").starts_with("r.toml:1:"));
}

}  // namespace
}  // namespace lq
