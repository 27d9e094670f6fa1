#include "jobs/options/allocate_options.h"

#include <gtest/gtest.h>

#include "base/option_error.h"

namespace lq {
namespace {

std::string refusal(const AllocateOptions& o) {
  try {
    check(o);
  } catch (const OptionError& e) {
    return e.option();
  }
  return "none";
}

TEST(AllocateOptions, NeedABudget) {
  EXPECT_EQ(refusal({}), "bits");
  EXPECT_EQ(refusal({.bits = 3.0}), "none");
  EXPECT_EQ(refusal({.frontier = true}), "none");
  EXPECT_EQ(refusal({.memory = 1 << 30}), "memory") << "other tensors of the model count as well";
  EXPECT_EQ(refusal({.memory = 1 << 30, .model = "dense"}), "none");
}

}  // namespace
}  // namespace lq
