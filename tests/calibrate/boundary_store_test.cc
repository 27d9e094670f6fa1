#include "calibrate/boundary_store.h"

#include <gtest/gtest.h>

#include "reference/numbers.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using reference::normals;

class BoundaryStoreTest : public testing::TestWithParam<std::pair<bool, bool>> {
 protected:
  io_test::TempDir dir_;
  ThreadPool pool_{1};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  WorkStore store_{dir_ / "work"};
  std::vector<float> kept_ = normals(3 * 5, 1), other_ = normals(3 * 5, 2);
  std::vector<float> read_ = std::vector<float>(3 * 5);
  Matrix out() { return {read_.data(), 3, 5}; }
};

TEST_P(BoundaryStoreTest, GivesBackWhatWasKept) {
  const auto [in_memory, on_disk] = GetParam();
  BoundaryStore boundaries(store_, "inputs", in_memory, on_disk);
  EXPECT_FALSE(boundaries.get(ctx_, 2, 0, out()));
  boundaries.put(ctx_, 2, 0, {kept_.data(), 3, 5});
  boundaries.put(ctx_, 2, 1, {other_.data(), 3, 5});
  EXPECT_TRUE(boundaries.has(2, 0, 3, 5));
  EXPECT_FALSE(boundaries.has(2, 0, 3, 4));
  EXPECT_FALSE(boundaries.get(ctx_, 2, 0, {read_.data(), 3, 4}));
  ASSERT_TRUE(boundaries.get(ctx_, 2, 0, out()));
  EXPECT_EQ(read_, kept_);
  ASSERT_TRUE(boundaries.get(ctx_, 2, 1, out()));
  EXPECT_EQ(read_, other_);
  boundaries.forget(2, 0);
  EXPECT_EQ(boundaries.get(ctx_, 2, 0, out()), on_disk);
  boundaries.erase(2, 2);
  EXPECT_FALSE(boundaries.get(ctx_, 2, 1, out()));
  EXPECT_FALSE(boundaries.get(ctx_, 2, 0, out()));
}

INSTANTIATE_TEST_SUITE_P(Places, BoundaryStoreTest,
                         testing::Values(std::pair(true, false), std::pair(false, true),
                                         std::pair(true, true)));

TEST_F(BoundaryStoreTest, WhatIsOnDiskOutlivesTheRunUnlessDamaged) {
  BoundaryStore(store_, "inputs", false, true).put(ctx_, 0, 0, {kept_.data(), 3, 5});
  BoundaryStore later(store_, "inputs", true, true);
  ASSERT_TRUE(later.get(ctx_, 0, 0, out()));
  EXPECT_EQ(read_, kept_);
  // Gradients are other pieces than inputs.
  EXPECT_FALSE(BoundaryStore(store_, "gradients", true, true).get(ctx_, 0, 0, out()));
  for (const auto& entry : std::filesystem::directory_iterator(dir_ / "work"))
    std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) - 1);
  EXPECT_FALSE(BoundaryStore(store_, "inputs", true, true).get(ctx_, 0, 0, out()));
}

}  // namespace
}  // namespace lq
