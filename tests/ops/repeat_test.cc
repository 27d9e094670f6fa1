// What tells two kinds of repeated work apart, and when none begins. Graphs themselves:
// backends/graph_test.cc.
#include "ops/repeat.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "base/error.h"
#include "base/progress.h"
#include "ops/op_driver.h"

namespace lq {
namespace {

TEST(Repeat, KeysTellKindsNumbersAndPlacesApart) {
  std::set<std::uint64_t> kinds;
  for (const Repeated work :
       {Repeated::kCachedPass, Repeated::kTrainingPass, Repeated::kGradientNorm, Repeated::kUpdate})
    kinds.insert(key_of(work));
  EXPECT_EQ(kinds.size(), 4U);
  EXPECT_NE(key_of(0.0F), key_of(-0.0F));
  EXPECT_NE(key_of(1.0F), key_of(1.0F + 1e-7F));
  const float both[2] = {};
  EXPECT_NE(key_of(&both[0]), key_of(&both[1]));
}

TEST(Repeat, AContextsPrecisionsAreInItsKey) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::set<std::uint64_t> keys;
  for (const auto product :
       {MatmulPrecision::kF32, MatmulPrecision::kTf32, MatmulPrecision::kBf16, MatmulPrecision::kI16}) {
    for (const auto decoding : {DecodePrecision::kFine, DecodePrecision::kFast}) {
      ctx.matmul_precision = product;
      ctx.decode_precision = decoding;
      keys.insert(key_of(ctx));
    }
  }
  EXPECT_EQ(keys.size(), 8U);
  ctx.seed = 5;  // a draw is an input
  EXPECT_TRUE(keys.contains(key_of(ctx)));
}

TEST(RepeatOnDevices, TheWorkIsDoneEachTimeAndNotAfterAStop) {
  for (const Device device : op_driver::other_devices()) {
    ThreadPool pool(1);
    NoProgress progress;
    const auto queue = open_device_queue(device);
    std::atomic<bool> stop = false;
    Context ctx{pool, progress, 0, StopToken(&stop)};
    ctx.device = device;
    ctx.queue = queue.get();
    const RepeatedWork what{{1, 2}, {}, {}};
    int prepared = 0;
    int done = 0;
    const auto once = [&] {
      repeat(
          ctx, what,
          [&] {
            ++prepared;
            return std::shared_ptr<const void>();
          },
          [&](const void*) { ++done; });
    };
    once();
    EXPECT_EQ(done, 1);
    EXPECT_LE(prepared, 1);
    stop = true;
    EXPECT_THROW(once(), Error);
    EXPECT_EQ(done, 1);
  }
  if (op_driver::other_devices().empty())
    GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
}

}  // namespace
}  // namespace lq
