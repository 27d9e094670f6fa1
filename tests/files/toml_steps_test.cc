#include "files/toml_steps.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

std::string steps_error(const std::string& text) {
  try {
    read_toml_steps(text, "r.toml");
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}

TEST(TomlSteps, AreInTheOrderOfTheFile) {
  const TomlSteps s = read_toml_steps(
      "seed = 3\n[zebra]\nb = 1\na = [1.5, 2]\n[[ant]]\nx = true\n[bee]\n[[ant]]\ny = \"t\"\n", "r.toml");
  ASSERT_EQ(s.top.size(), 1U);
  EXPECT_EQ(s.top[0].key, "seed");
  EXPECT_EQ(s.top[0].value, 3);
  ASSERT_EQ(s.steps.size(), 4U);
  const std::vector<std::pair<std::string, std::int64_t>> wanted = {
      {"zebra", 2}, {"ant", 5}, {"bee", 7}, {"ant", 8}};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(s.steps[i].name, wanted[i].first);
    EXPECT_EQ(s.steps[i].line, wanted[i].second);
  }
  ASSERT_EQ(s.steps[0].settings.size(), 2U);
  EXPECT_EQ(s.steps[0].settings[0].key, "b");
  EXPECT_EQ(s.steps[0].settings[1].value, nlohmann::json({1.5, 2}));
  EXPECT_EQ(s.steps[0].settings[1].line, 4);
  EXPECT_EQ(s.steps[1].settings[0].value, true);
  EXPECT_EQ(s.steps[3].settings[0].value, "t");
}

TEST(TomlSteps, RefusesWhatIsNoSettingWithItsLine) {
  EXPECT_EQ(steps_error("[a]\nb = 1979-05-27\n").rfind("r.toml:2: b is a table, a date", 0), 0U);
  EXPECT_EQ(steps_error("[a]\n[a.b]\nc = 1\n").rfind("r.toml:2: b is a table", 0), 0U);
  EXPECT_EQ(steps_error("[a]\nb = [[1]]\n").rfind("r.toml:2: b is a table", 0), 0U);
  EXPECT_EQ(steps_error("[a]\nb = \"${LQ_TEST_UNSET}\"\n"),
            "r.toml:2: b names the environment variable LQ_TEST_UNSET, which is not set");
  EXPECT_EQ(steps_error("[a\n").rfind("r.toml:1:", 0), 0U);
}

}  // namespace
}  // namespace lq
