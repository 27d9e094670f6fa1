// Every part of a tokenizer.json against the library (tests/goldens/make_tokenizer_parts.py).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"
#include "tokenizers/tokenizer.h"

namespace lq::tokenizers {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const nlohmann::json& json) { std::ofstream(path) << json.dump(); }

TEST(TokenizerParts, EqualTheLibrary) {
  std::ifstream in(fs::path(test::source_dir()) / "tests" / "goldens" / "tokenizers" / "parts.json");
  const auto cases = nlohmann::json::parse(in);
  ASSERT_GT(cases.size(), 100U);
  const io_test::TempDir folder;
  for (const auto& golden : cases) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    write(folder.path() / "tokenizer.json", golden["json"]);
    fs::remove(folder.path() / "tokenizer_config.json");
    if (!golden["config"].is_null()) write(folder.path() / "tokenizer_config.json", golden["config"]);
    fs::remove(folder.path() / "config.json");
    if (golden.contains("model") && !golden["model"].is_null()) {
      write(folder.path() / "config.json", golden["model"]);
    }
    const auto tokenizer = Tokenizer::load(folder.path());
    for (const auto& item : golden["encode"]) {
      SCOPED_TRACE(item["text"].dump());
      EXPECT_EQ(tokenizer->encode(item["text"].get<std::string>(), false),
                item["ids"].get<std::vector<std::int32_t>>());
      EXPECT_EQ(tokenizer->encode(item["text"].get<std::string>(), true),
                item["special"].get<std::vector<std::int32_t>>());
    }
    for (const auto& item : golden["decode"]) {
      const auto ids = item["ids"].get<std::vector<std::int32_t>>();
      SCOPED_TRACE(item["ids"].dump());
      EXPECT_EQ(tokenizer->decode(ids, false), item["text"].get<std::string>());
      EXPECT_EQ(tokenizer->decode(ids, true), item["skipped"].get<std::string>());
    }
  }
}

TEST(TokenizerParts, AnUnknownTokenThatIsNotThereIsMissedWhenItIsNeeded) {
  const io_test::TempDir folder;
  for (const char* type : {"BPE", "WordPiece", "WordLevel"}) {
    nlohmann::json model = {{"type", type}, {"vocab", {{"a", 0}}}, {"unk_token", "<unk>"}};
    if (std::string(type) == "BPE") model["merges"] = nlohmann::json::array();
    write(folder.path() / "tokenizer.json", {{"model", model}});
    const auto tokenizer = Tokenizer::load(folder.path());
    EXPECT_EQ(tokenizer->encode("a", false), std::vector<std::int32_t>{0}) << type;
    try {
      tokenizer->encode("z", false);
      ADD_FAILURE() << type;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("neither is the unknown token '<unk>'"), std::string::npos)
          << e.what();
    }
  }
}

}  // namespace
}  // namespace lq::tokenizers
