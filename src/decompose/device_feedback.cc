#include "decompose/device_feedback.h"

#include "backends/cuda/device.h"
#include "backends/cuda/feedback.h"
#include "backends/cuda/quantize.h"
#include "base/error.h"
#include "decompose/device_waves.h"
#include "ops/device_memory.h"
#include "ops/dispatch.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;

constexpr std::int64_t kSmallestCodebookBlock = 16;

}  // namespace

DeviceFeedback::DeviceFeedback(Context& context, std::int64_t rows, std::int64_t cols,
                               const Quantizer& quantizer, const Importance& importance,
                               const DeviceImportance& there)
    : context_(context),
      rows_(rows),
      cols_(cols),
      quantizer_(quantizer),
      importance_(importance),
      there_(there),
      rounding_(quantizer.codebook_rounding().value()) {
  LQ_CHECK(there.right != nullptr, kInvalidArgument,
           "error feedback needs the second moment of the inputs: importance input or kfac");
  const auto floats = [&](std::int64_t m, std::int64_t n) {
    return empty_tensor(context.device, DType::kF32, {m, n});
  };
  scales_ = floats(1, (rows * cols + rounding_.format.block - 1) / rounding_.format.block);
  codes_ = empty_tensor(context.device, DType::kU8, {rows, cols});
  wanted_ = floats(rows, cuda::kFeedbackCols);
  passed_ = floats(rows, cuda::kFeedbackCols);
  if (there.left != nullptr) errors_ = floats(rows, cols);
  if (rounding_.rescales) moved_ = floats(rows, cols);
}

std::int64_t DeviceFeedback::bytes(std::int64_t rows, std::int64_t cols, bool left) {
  const std::int64_t n = rows * cols;
  return n + 4 * (n / kSmallestCodebookBlock + 1 + 2 * rows * cuda::kFeedbackCols + (left ? 2 : 1) * n);
}

void DeviceFeedback::choose(const float* target, float* room, float* q, float* moved) {
  DeviceQueue& queue = queue_of(context_, "feedback", context_.device);
  cuda::CodebookFeedback of;
  of.rows = rows_;
  of.cols = cols_;
  of.bits = rounding_.format.bits;
  of.block = rounding_.format.block;
  of.w = target;
  of.scales = scales_.data<float>();
  of.s = there_.right->values();
  of.t = there_.left == nullptr ? nullptr : there_.left->values();
  of.wanted = wanted_.mutable_data<float>();
  of.passed = passed_.mutable_data<float>();
  of.f = room;
  of.e = of.t == nullptr ? nullptr : errors_.mutable_data<float>();
  of.q = moved == nullptr ? q : nullptr;
  of.codes = moved == nullptr ? codes_.mutable_data<std::uint8_t>() : nullptr;
  of.targets = moved;
  code_waves(
      queue,
      {rows_, cols_, cuda::kFeedbackRows, cuda::kFeedbackCols, of.s, of.t, of.f, of.e, of.wanted, of.passed},
      [&](const DeviceWave& wave) {
        if (of.t == nullptr) {
          cuda::feedback_group(queue, rounding_, of, wave.first_group);
        } else {
          cuda::feedback_wave(queue, rounding_, of, {wave.count, wave.first_panel, wave.first_group});
        }
      });
}

void DeviceFeedback::round(const float* target, float* room, float* q) {
  DeviceQueue& queue = queue_of(context_, "feedback", context_.device);
  const auto choose_scales = [&](const float* w) {
    cuda::block_scales(queue, rounding_, {there_.rows, there_.cols}, rows_, cols_, w,
                       scales_.mutable_data<float>());
  };
  choose_scales(target);
  const float* scaled = target;
  if (rounding_.rescales) {
    choose(target, room, nullptr, moved_.mutable_data<float>());
    scaled = moved_.data<float>();
    choose_scales(scaled);
  }
  if (host_.numel() == 0) host_ = Tensor::empty(DType::kF32, {rows_, cols_});
  cuda::copy_to_host(queue, scaled, host_.bytes(), host_.mutable_raw());
  choose(target, room, q, nullptr);
}

PackedMatrix DeviceFeedback::packed() {
  Tensor codes = Tensor::empty(DType::kU8, {rows_, cols_});
  cuda::copy_to_host(queue_of(context_, "feedback", context_.device), codes_.raw(), codes.bytes(),
                     codes.mutable_raw());
  return quantizer_.pack_codes(context_.pool, host_.data<float>(), rows_, cols_, codes.data<std::uint8_t>(),
                               importance_.error_weights());
}

}  // namespace lq
