#include "allocate/memory_budget.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

constexpr std::int64_t kMiB = 1024 * 1024;

TEST(BitsForMemory, WhatIsLeftIsSharedByTheWeights) {
  // 100 MiB less 36 leave 64 MiB = 2^29 bits for 2^27 weights.
  const MemoryPlan plan{.total = 100 * kMiB,
                        .dense = 10 * kMiB,
                        .low_rank = 5 * kMiB,
                        .optimizer = 15 * kMiB,
                        .activations = 6 * kMiB};
  EXPECT_EQ(bits_for_memory(plan, 134217728.0, 2.03), 4.0);
  EXPECT_EQ(bits_for_memory({.total = kMiB}, 8.0 * 1024 * 1024 / 4, 2.03), 4.0);
}

TEST(BitsForMemory, SaysWhatWouldDo) {
  const MemoryPlan plan{.total = 50 * kMiB, .dense = 10 * kMiB, .optimizer = 15 * kMiB};
  try {
    bits_for_memory(plan, 134217728.0, 2.03);
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    const std::string message = e.what();
    for (const char* part :
         {"50.0 MiB", "Dense parts 10.0", "optimizer 15.0", "2.0300 bits", "take 57.5 MiB"}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
  // The total it names is enough.
  EXPECT_GE(bits_for_memory({.total = 57 * kMiB + kMiB / 2, .dense = 10 * kMiB, .optimizer = 15 * kMiB},
                            134217728.0, 2.03),
            2.03);
}

TEST(BitsForMemory, RefusesNonsense) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(bits_for_memory({.total = -1}, 1, 1), Error);
  EXPECT_THROW(bits_for_memory({.total = 10, .dense = -5}, 1, 1), Error);
  EXPECT_THROW(bits_for_memory({.total = 10}, 0, 1), Error);
  EXPECT_THROW(bits_for_memory({.total = kMost, .dense = kMost, .optimizer = kMost}, 1, 1), Error);
  EXPECT_THROW(bits_for_memory({.total = 0}, 1, 0), Error);
}

}  // namespace
}  // namespace lq
