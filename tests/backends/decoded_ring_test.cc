#include "backends/cuda/decoded_ring.h"

#include <gtest/gtest.h>

#include <vector>

namespace lq::backends::cuda {
namespace {

TEST(DecodedRing, RemembersUntilSomethingElseNeedsTheRoom) {
  DecodedRing ring;
  const std::vector<int> weights(4);
  EXPECT_FALSE(ring.place(&weights[0], 100, 0).fits);  // no room at all
  ring.set_capacity(1024);
  const auto first = ring.place(&weights[0], 500, 0);  // takes 512
  EXPECT_TRUE(first.fits);
  EXPECT_FALSE(first.there);
  EXPECT_TRUE(ring.place(&weights[0], 500, 0).there);
  EXPECT_EQ(ring.place(&weights[1], 500, 0).offset, 512U);
  EXPECT_TRUE(ring.place(&weights[0], 500, 0).there);
  const auto third = ring.place(&weights[2], 300, 0);  // over the first
  EXPECT_EQ(third.offset, 0U);
  EXPECT_TRUE(ring.place(&weights[1], 500, 0).there);
  EXPECT_FALSE(ring.place(&weights[0], 500, 0).there);
  EXPECT_FALSE(ring.place(&weights[3], 2000, 0).fits);
}

TEST(DecodedRing, ForgetsWhenMemoryWasGivenBack) {
  DecodedRing ring;
  ring.set_capacity(1024);
  const int weight = 0;
  ring.place(&weight, 100, 0);
  EXPECT_TRUE(ring.place(&weight, 100, 0).there);
  EXPECT_FALSE(ring.place(&weight, 100, 1).there);
}

// Against the plain truth: who wrote each byte last.
TEST(DecodedRing, WhatIsThereWasNeverOverwritten) {
  DecodedRing ring;
  ring.set_capacity(256 * 7);
  const std::vector<int> weights(9);
  std::vector<const void*> owner(7);
  unsigned state = 1;
  int found = 0;
  for (int step = 0; step < 5000; ++step) {
    state = state * 1664525U + 1013904223U;
    const std::size_t which = state >> 16 & 7U;
    const void* const codes = &weights[which];
    const std::size_t size = which % 3 + 1;
    const auto place = ring.place(codes, size * 256 - 3, 0);
    ASSERT_TRUE(place.fits);
    ASSERT_LE(place.offset + size * 256, 256U * 7U);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_TRUE(!place.there || owner[place.offset / 256 + i] == codes);
      owner[place.offset / 256 + i] = codes;
    }
    found += place.there ? 1 : 0;
  }
  EXPECT_GT(found, 100);
}

}  // namespace
}  // namespace lq::backends::cuda
