// Builds without CUDA have the same symbols, and they refuse by name.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "backends/cuda/attention.h"
#include "backends/cuda/device.h"
#include "backends/cuda/elementwise.h"
#include "backends/cuda/feedback.h"
#include "backends/cuda/gram.h"
#include "backends/cuda/loss.h"
#include "backends/cuda/moments.h"
#include "backends/cuda/norm.h"
#include "backends/cuda/optimizer.h"
#include "backends/cuda/product.h"
#include "backends/cuda/quantize.h"
#include "backends/cuda/repeat.h"
#include "backends/cuda/tokens.h"
#include "backends/cuda/trellis_encode.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

void expect_refused(const auto& what) {
  try {
    what();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("no CUDA"), std::string::npos) << e.what();
  }
}

TEST(NoCuda, EverySymbolRefuses) {
  if (built_in()) GTEST_SKIP() << "this build has CUDA";
  EXPECT_TRUE(devices().empty());
  EXPECT_FALSE(has_driver());
  constexpr Device kFirst{DeviceKind::kCuda, 0};
  // No build without CUDA knows what a queue is; nothing follows the address.
  std::uint64_t nothing = 0;
  auto& queue = reinterpret_cast<DeviceQueue&>(nothing);
  expect_refused([&] { open_queue(kFirst); });
  expect_refused([&] { allocate(kFirst, 8); });
  expect_refused([&] { copy_to_device(queue, nullptr, 0, nullptr); });
  expect_refused([&] { copy_to_host(queue, nullptr, 0, nullptr); });
  expect_refused([&] { set_to_zero(queue, nullptr, 0); });
  expect_refused([&] { rms_norm_forward(queue, 0, 0, nullptr, nullptr, 0.0F, nullptr, nullptr); });
  expect_refused(
      [&] { rms_norm_backward(queue, 0, 0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { silu_mul_forward(queue, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { silu_mul_backward(queue, 0, nullptr, nullptr, nullptr, nullptr, nullptr); });
  EXPECT_NE(trouble(kFirst).find("no CUDA"), std::string::npos);
  expect_refused([&] { memory(kFirst); });
  expect_refused([&] { product_library(queue); });
  expect_refused([&] { keep_decoded(queue, 1); });
  expect_refused([&] { finish(queue); });
  expect_refused([&] {
    repeat(
        queue, {}, [] { return nullptr; }, [](const void*) {});
  });
  expect_refused([&] { repeat_counts(queue); });
  expect_refused([&] { append_rows(queue, {}, 0, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { copy_on_device(queue, nullptr, 0, nullptr); });
  expect_refused([&] { block_scales(queue, {}, {}, 0, 0, nullptr, nullptr); });
  expect_refused(
      [&] { rounded_residual(queue, {}, 0, 0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { residual(queue, 0, 0, nullptr, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { sum_of_products(queue, 0, nullptr, nullptr); });
  expect_refused([&] { gram(queue, {}, nullptr); });
  expect_refused([&] { feedback_group(queue, {}, {}, 0); });
  expect_refused([&] { feedback_wave(queue, {}, {}, {}); });
  expect_refused([&] { trellis_scales(queue, nullptr, nullptr, {}, nullptr); });
  expect_refused([&] { trellis_tiles(queue, nullptr, {}, {}, {}); });
  expect_refused([&] { trellis_refit(queue, {}, {}); });
  expect_refused([&] { trellis_regions(queue, {}, {}); });
  expect_refused([&] { scale_sides(queue, 0, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { fill(queue, 0, 0.0F, nullptr); });
  expect_refused([&] { activation_forward(queue, {}, 0, nullptr, nullptr); });
  expect_refused([&] { activation_backward(queue, {}, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { gate_forward(queue, {}, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { gate_backward(queue, {}, 0, nullptr, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { soft_cap_forward(queue, 1.0F, 0, nullptr); });
  expect_refused([&] { soft_cap_backward(queue, 1.0F, 0, nullptr, nullptr); });
  expect_refused([&] { take_columns(queue, 0, 0, 0, 0, nullptr, nullptr); });
  expect_refused([&] { put_columns(queue, 0, 0, 0, 0, nullptr, nullptr); });
  expect_refused([&] { scale(queue, 0, 0.0F, nullptr); });
  expect_refused([&] { add(queue, 0, nullptr, nullptr); });
  expect_refused([&] { add_bias(queue, 0, 0, nullptr, nullptr); });
  expect_refused([&] { add_column_sums(queue, 0, 0, nullptr, nullptr); });
  expect_refused([&] { dropout(queue, {}, 0, nullptr, nullptr); });
  expect_refused([&] { few_rows(queue, nullptr, 0, 0, false); });
  expect_refused([&] { embedding_forward(queue, {}, 0, 0, nullptr, nullptr); });
  expect_refused([&] { embedding_backward(queue, 0, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { rope_rotate(queue, 0, 0, 0, 0, nullptr, nullptr, false, nullptr); });
  expect_refused([&] { cross_entropy_forward(queue, 0, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { cross_entropy_forward_backward(queue, 0, 0, nullptr, nullptr, 0.0F, nullptr); });
  expect_refused([&] { kl_divergence(queue, 0, 0, nullptr, nullptr, nullptr); });
  expect_refused([&] { kl_divergence_backward(queue, 0, 0, nullptr, nullptr, nullptr, 0.0F, nullptr); });
  expect_refused([&] { adamw_step(queue, {}, 0, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { adamw_step(queue, {}, 0, nullptr, nullptr, {}, {}, {}); });
  expect_refused([&] { squared_norms(queue, nullptr, 0, nullptr); });
  expect_refused([&] { all_finite(queue, 0, nullptr); });
  expect_refused([&] { add_triangle(queue, 0, 1, 0, 0, 0, nullptr, nullptr); });
  expect_refused([&] { add_squared(queue, 0, 0, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { scale_by_norms(queue, 0, 0, nullptr, 0, nullptr, nullptr); });
  expect_refused([&] { attention_forward(queue, {}, nullptr, nullptr); });
  expect_refused(
      [&] { attention_backward(queue, {}, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr); });
  expect_refused([&] { multiply(queue, {}); });
  expect_refused([&] { packed_decode(queue, {}, 0, 0, nullptr); });
}

}  // namespace
}  // namespace lq::backends::cuda
