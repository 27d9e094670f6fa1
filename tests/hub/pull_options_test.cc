#include "hub/pull_options.h"

#include <gtest/gtest.h>

#include "support/option_test_util.h"

namespace lq::hub {
namespace {

using lq::test::option_infos;
using lq::test::set_option;

TEST(PullOptions, OnlyTheRepositoryIsNeeded) {
  PullOptions o;
  const auto infos = option_infos(o);
  for (const auto& [key, info] : infos) EXPECT_EQ(info.required, key == "repository") << key;
  EXPECT_EQ(infos.at("repository").position, "ORG/NAME");
}

TEST(PullOptions, SetTheFieldsOfTheirNames) {
  PullOptions o;
  set_option(o, "repository", "datasets/org/name@v2");
  set_option(o, "file", {"*.json", "a,b.txt"});
  set_option(o, "offline", true);
  set_option(o, "endpoint", "http://127.0.0.1:9");
  set_option(o, "cache", "somewhere");
  EXPECT_EQ(o.repository, "datasets/org/name@v2");
  EXPECT_EQ(o.files, (std::vector<std::string>{"*.json", "a,b.txt"})) << "a comma may stand in a glob";
  EXPECT_TRUE(o.offline);
  EXPECT_EQ(o.endpoint, "http://127.0.0.1:9");
  EXPECT_EQ(o.cache, "somewhere");
}

// How often a request is tried again is no user's choice, but it is a test's.
TEST(PullOptions, LeavePatienceAsItIs) {
  PullOptions o;
  const auto infos = option_infos(o);
  EXPECT_FALSE(infos.contains("tries") || infos.contains("stall-seconds") || infos.contains("wait-seconds"));
  EXPECT_EQ(o.tries, 5);
}

}  // namespace
}  // namespace lq::hub
