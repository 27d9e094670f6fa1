#include "files/environment_text.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"

namespace lq {
namespace {

TEST(EnvironmentText, PutsValuesInPlace) {
  ::setenv("LQ_TEST_FOLDER", "/a b", 1);
  EXPECT_EQ(with_environment("${LQ_TEST_FOLDER}/x${LQ_TEST_FOLDER}"), "/a b/x/a b");
  EXPECT_EQ(with_environment("no $dollar {here}"), "no $dollar {here}");
  EXPECT_EQ(with_environment(""), "");
  for (const auto& [text, why] : {std::pair{"a${B", "holds '${' without '}'"},
                                  std::pair{"${LQ_TEST_UNSET}", "LQ_TEST_UNSET, which is not set"}}) {
    try {
      with_environment(text);
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(why), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace lq
