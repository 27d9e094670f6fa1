#include "tensor/workspace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace lq {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

constexpr Device kWorkspaceDevice{DeviceKind::kCuda, 1};

TEST(Workspace, HoldsNothingBeforeItIsUsed) {
  Workspace ws;
  EXPECT_EQ(ws.bytes(), 0);
  EXPECT_TRUE(ws.device().is_cpu());
}

TEST(Workspace, GivesMatricesAndVectorsOfTheirSizes) {
  Workspace ws;
  Scratch scratch(ws);
  const Matrix m = scratch.matrix(3, 5);
  EXPECT_EQ(m.rows, 3);
  EXPECT_EQ(m.cols, 5);
  EXPECT_EQ(scratch.vector(7).size(), 7U);
  EXPECT_GE(ws.bytes(), (15 + 7) * 4);
}

TEST(Workspace, EveryBufferIsApartAndAtACacheLine) {
  Workspace ws;
  Scratch scratch(ws);
  float* last = nullptr;
  for (const std::int64_t count : {1, 0, 17, 0, 16, 100}) {
    float* at = scratch.vector(count).data();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % 64, 0U);
    EXPECT_NE(at, last) << "even those of no elements";
    last = at;
  }
}

TEST(Workspace, WhatGoesOutOfScopeIsUsedAgain) {
  Workspace ws;
  float* first = nullptr;
  {
    Scratch scratch(ws);
    first = scratch.vector(1000).data();
  }
  const std::int64_t held = ws.bytes();
  for (int i = 0; i < 10; ++i) {
    Scratch scratch(ws);
    EXPECT_EQ(scratch.vector(2000).data(), first);
  }
  EXPECT_EQ(ws.bytes(), held);
}

TEST(Workspace, InnerScopesLeaveOuterBuffersAlone) {
  Workspace ws;
  Scratch outer(ws);
  const Matrix kept = outer.matrix(10, 100);
  std::fill_n(kept.data, 1000, 3.0F);
  float* inner_at = nullptr;
  {
    Scratch inner(ws);
    const Vector v = inner.vector(3 * kMillion);  // more than fits beside it
    std::fill_n(v.data(), v.size(), 5.0F);
    inner_at = inner.vector(8).data();
    inner_at[0] = 5.0F;
  }
  EXPECT_EQ(std::count(kept.data, kept.data + 1000, 3.0F), 1000);
  EXPECT_GE(ws.bytes(), 3 * kMillion * 4);
  Scratch again(ws);
  const std::int64_t held = ws.bytes();
  again.vector(3 * kMillion);
  EXPECT_EQ(ws.bytes(), held) << "the large buffer waits for its next use";
}

TEST(Workspace, ALargerBufferTakesThePlaceOfAFreeOne) {
  Workspace ws;
  Scratch outer(ws);
  outer.vector(10);
  {
    Scratch inner(ws);
    inner.vector(2 * kMillion);
  }
  const std::int64_t before = ws.bytes();
  {
    Scratch inner(ws);
    inner.vector(5 * kMillion);
  }
  EXPECT_GE(ws.bytes(), before + 3 * kMillion * 4);
  EXPECT_LT(ws.bytes(), before + 4 * kMillion * 4) << "not both of them";
}

TEST(Workspace, AFirstBufferThatIsTooSmallMakesWayToo) {
  Workspace ws;
  { Scratch(ws).vector(10); }
  const std::int64_t least = ws.bytes();
  { Scratch(ws).vector(3 * kMillion); }
  EXPECT_GE(ws.bytes(), 3 * kMillion * 4);
  EXPECT_LT(ws.bytes(), 3 * kMillion * 4 + least) << "not both of them";
}

TEST(Workspace, ClearGivesEverythingBack) {
  Workspace ws;
  { Scratch(ws).vector(kMillion); }
  EXPECT_GT(ws.bytes(), 0);
  ws.clear();
  EXPECT_EQ(ws.bytes(), 0);
  Scratch scratch(ws);
  EXPECT_NE(scratch.vector(1).data(), nullptr);
}

TEST(Workspace, TakesItsMemoryWhereItWasToldTo) {
  static int made = 0;
  made = 0;
  Workspace ws(kWorkspaceDevice, [](Device device, DType dtype, Shape shape) {
    ++made;
    EXPECT_EQ(device, kWorkspaceDevice);
    const auto bytes = static_cast<std::size_t>(checked_numel(shape, "test")) * dtype_size(dtype);
    return Tensor::adopt(dtype, std::move(shape), device, new std::byte[bytes],
                         [](std::byte* p) { delete[] p; });
  });
  EXPECT_EQ(ws.device(), kWorkspaceDevice);
  Scratch scratch(ws);
  EXPECT_EQ(scratch.matrix(4, 5).device, kWorkspaceDevice);
  EXPECT_EQ(scratch.vector(7).device(), kWorkspaceDevice);
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace lq
