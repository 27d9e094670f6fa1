#include "models/placement.h"

#include <gtest/gtest.h>

#include "backends/cuda/device.h"
#include "base/error.h"
#include "ops/device_memory.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

class PlacementTest : public testing::Test {
 protected:
  PlacementTest() { reference::write_random_model(pool_, {.bits = 4}, dir_ / "model"); }
  io_test::TempDir dir_;
  ThreadPool pool_{1};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
};

TEST_F(PlacementTest, TheProcessorsContextStaysAsItIs) {
  Model model = Model::load(ctx_, dir_ / "model");
  const Context placed = place_for_inference(ctx_, model, 16, 32, true, "generate");
  EXPECT_TRUE(placed.device.is_cpu());
  EXPECT_EQ(placed.queue, nullptr);
  EXPECT_TRUE(model.device().is_cpu());
}

TEST_F(PlacementTest, BytesCountTheModelTheJobAndWhatProductsNeed) {
  const Model model = Model::load(ctx_, dir_ / "model");
  PlacementNeed need{.memory = model.memory_estimate(64, true), .more = 1000};
  const std::int64_t bytes = device_bytes(model, need);
  EXPECT_GT(bytes, need.memory.total() + need.more);
  need.recomputes = true;
  EXPECT_EQ(device_bytes(model, need), bytes + model.decoded_block_bytes());
  need.more += 77;
  EXPECT_EQ(device_bytes(model, need), bytes + model.decoded_block_bytes() + 77);
  // Eight operands of attention in 16 bits, the queries' gradients in 32, three numbers a row and head.
  const AttentionSpec& attention = model.spec().blocks.front().attention;
  const std::int64_t q = attention.heads * attention.head_dim, kv = attention.kv_heads * attention.head_dim;
  const std::int64_t before = device_bytes(model, need);
  need.attention_tokens = 10;
  EXPECT_EQ(device_bytes(model, need), before + 10 * (12 * q + 8 * kv + 12 * attention.heads));
}

// A device that this machine does not have is refused by the backend, not found free by mistake.
TEST_F(PlacementTest, ADeviceThatIsNotThereIsRefused) {
  if (!backends::cuda::devices().empty()) GTEST_SKIP() << "this machine has a CUDA device";
  const Model model = Model::load(ctx_, dir_ / "model");
  Context away = ctx_;
  away.device = {DeviceKind::kCuda, 0};
  EXPECT_THROW(choose_device(away, model, {}, "finetune"), Error);
}

TEST_F(PlacementTest, AWishThatDoesNotFitComputesOnTheProcessor) {
  if (backends::cuda::devices().empty()) GTEST_SKIP() << "this machine has no CUDA device";
  const Model model = Model::load(ctx_, dir_ / "model");
  const auto queue = open_device_queue({DeviceKind::kCuda, 0});
  Context there = ctx_;
  there.device = {DeviceKind::kCuda, 0};
  there.queue = queue.get();
  const PlacementNeed huge{.more = std::int64_t{1} << 50};
  EXPECT_THROW(choose_device(there, model, huge, "finetune"), Error);
  there.device_is_wish = true;
  EXPECT_TRUE(choose_device(there, model, huge, "finetune").device.is_cpu());
  EXPECT_FALSE(choose_device(there, model, {}, "finetune").device.is_cpu());
}

TEST(Placement, AShortageIsSaidWithNeedAndFreeMemory) {
  constexpr std::int64_t kGib = std::int64_t{1} << 30;
  EXPECT_EQ(shortage_text({"cuda:0", 8 * kGib, 8 * kGib, 24 * kGib}), "");
  const std::string others = shortage_text({"cuda:1", 10 * kGib, 8 * kGib, 24 * kGib});
  EXPECT_EQ(
      others.find(
          "cuda:1 has no room: about 10.0 GiB are needed, 8.0 GiB of 24.0 GiB are free; the end of other"),
      0U)
      << others;
  const std::string never = shortage_text({"cuda:0", 40 * kGib, 23 * kGib, 24 * kGib});
  EXPECT_EQ(never.find("cuda:0 is too small: about 40.0 GiB are needed"), 0U) << never;
  EXPECT_EQ(never.find("other programs"), std::string::npos) << never;
  // Of a job that nothing makes smaller.
  const std::string alone = shortage_text({"cuda:0", 40 * kGib, 23 * kGib, 24 * kGib, {}});
  EXPECT_NE(alone.find("are free; `device` cpu helps"), std::string::npos) << alone;
}

}  // namespace
}  // namespace lq
