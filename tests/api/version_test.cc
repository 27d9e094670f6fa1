#include <regex>

#include "api_fixture.h"

namespace lqlora {
namespace {

TEST(ApiVersion, IsThatOfTheProject) {
  EXPECT_EQ(version(), "0.1.0");
  EXPECT_TRUE(std::regex_match(std::string(version()), std::regex(R"(\d+\.\d+\.\d+)")));
}

}  // namespace
}  // namespace lqlora
