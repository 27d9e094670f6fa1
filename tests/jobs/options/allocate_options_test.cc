#include "jobs/options/allocate_options.h"

#include <gtest/gtest.h>

#include "base/option_error.h"
#include "support/io_test_util.h"

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

TEST(AllocateOptions, WhatNothingUsesIsRefused) {
  EXPECT_EQ(refusal({.out = "a.json", .frontier = true}), "out");
  EXPECT_EQ(refusal({.memory = 1 << 30, .model = "dense", .frontier = true}), "memory");
  EXPECT_EQ(refusal({.bits = 3.0, .model = "dense"}), "model");
  EXPECT_EQ(refusal({.bits = 3.0, .memory_tokens = 7}), "memory-tokens");
}

TEST(AllocateOptions, TheTableIsNotWrittenOver) {
  const io_test::TempDir dir;
  io_test::put_file(dir / "table.json", "{}");
  EXPECT_EQ(refusal({.table = dir / "table.json", .out = dir / "allocation.json", .bits = 3.0}), "none");
  EXPECT_EQ(refusal({.table = dir / "table.json", .out = dir / "." / "table.json", .bits = 3.0}), "out");
}

}  // namespace
}  // namespace lq
