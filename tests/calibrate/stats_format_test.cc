#include "calibrate/stats_format.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(StatsFormat, ModulesComeBack) {
  const StatsModules modules = {
      {"a.up", {7, 5, "a.gate"}}, {"a.gate", {7, 5, "a.gate"}}, {"a.down", {5, 7, "a.down"}}};
  const StatsModules back = stats_modules_from_text(stats_modules_to_text(modules), "s");
  ASSERT_EQ(back.size(), 3u);
  for (const auto& [name, m] : modules) {
    EXPECT_EQ(back.at(name).rows, m.rows) << name;
    EXPECT_EQ(back.at(name).cols, m.cols) << name;
    EXPECT_EQ(back.at(name).input, m.input) << name;
  }
}

TEST(StatsFormat, RefusesWhatCannotBe) {
  for (const char* text : {
           "[]",
           "{\"a\": 1}",
           "{\"a\": {\"shape\": [1], \"input\": \"a\"}}",
           "{\"a\": {\"shape\": [1, -2], \"input\": \"a\"}}",
           "{\"a\": {\"shape\": [0, 2], \"input\": \"a\"}}",
           "{\"a\": {\"shape\": [1, 2], \"input\": 3}}",
           // The owner of the input is not there, has another number of inputs, or owns none itself.
           "{\"a\": {\"shape\": [1, 2], \"input\": \"b\"}}",
           "{\"a\": {\"shape\": [1, 2], \"input\": \"b\"}, \"b\": {\"shape\": [1, 3], \"input\": \"b\"}}",
           "{\"a\": {\"shape\": [1, 2], \"input\": \"b\"}, \"b\": {\"shape\": [1, 2], \"input\": \"a\"}}",
       }) {
    io_test::expect_error(ErrorCode::kCorruptFile, {"s: "}, [&] { stats_modules_from_text(text, "s"); });
  }
}

}  // namespace
}  // namespace lq
