#include "backends/cpu/byte_matrix.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backends/cpu/nf_gemv_input.h"
#include "backends/cpu/transformer_elementwise.h"
#include "backends/nf_view.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/byte_matrix.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "backends/cpu/nf_gemv_codes-inl.h"
#include "backends/cpu/round_group-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

void ByteEncodeRow(const float* x, std::int64_t cols, std::int8_t* to, float* scales) {
  for (std::int64_t g = 0; g < cols / kNfGroup; ++g) {
    scales[g] = RoundGroup(x + g * kNfGroup, 127.0F, kGemvSource, to + g * kNfGroup);
  }
}

#if HWY_CAP_GE256

HWY_INLINE V32 ByteDot(const std::int8_t* w, const std::int16_t* x, V32 sum) {
  const hn::FixedTag<std::int8_t, 16> i8;
  const D16 d16;
  V32 odd = hn::Zero(D32());  // stays zero on x86
  const V16 wide = hn::PromoteTo(d16, hn::LoadU(i8, w));
  return hn::ReorderWidenMulAccumulate(D32(), wide, hn::Load(d16, x), sum, odd);
}

bool ByteRows(const ByteMatrix& w, const NfGemvInput* in, std::int64_t begin, std::int64_t end, float* y) {
  if (in == nullptr) return true;  // asked whether it would
  const D32 d32;
  const F8 f8;
  const std::int64_t groups = w.cols / kNfGroup;
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int8_t* row = w.values + i * w.cols;
    const float* scales = w.scales + i * groups;
    VF8 total = hn::Zero(f8);
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int8_t* at = row + g * kNfGroup;
      const std::int16_t* x = in->x + g * kNfGroup;
      hwy::Prefetch(at + 2048);
      const V32 low = ByteDot(at + 16, x + 16, ByteDot(at, x, hn::Zero(d32)));
      const V32 high = ByteDot(at + 48, x + 48, ByteDot(at + 32, x + 32, hn::Zero(d32)));
      const VF8 part = hn::ConvertTo(f8, hn::Add(low, high));
      total = hn::MulAdd(part, hn::Set(f8, scales[g] * in->scale[g]), total);
    }
    y[i] = hn::GetLane(hn::SumOfLanes(f8, total));
  }
  return true;
}

#else

bool ByteRows(const ByteMatrix&, const NfGemvInput*, std::int64_t, std::int64_t, float*) { return false; }

#endif

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(ByteEncodeRow);
HWY_EXPORT(ByteRows);

namespace {

void row_to_f32(DenseType type, const std::byte* from, std::int64_t cols, float* to) {
  switch (type) {
    case DenseType::kF32:
      std::memcpy(to, from, static_cast<std::size_t>(cols) * sizeof(float));
      return;
    case DenseType::kBf16:
      return widen_bf16(cols, from, to);
    case DenseType::kF16:
      return widen_f16(cols, from, to);
  }
}

}  // namespace

bool byte_gemv_has(std::int64_t cols) {
  return cols % kNfGroup == 0 && HWY_DYNAMIC_DISPATCH(ByteRows)({}, nullptr, 0, 0, nullptr);
}

void byte_encode(ThreadPool& pool, DenseType type, const void* w, std::int64_t rows, std::int64_t cols,
                 std::int8_t* values, float* scales) {
  const std::int64_t width = (type == DenseType::kF32 ? 4 : 2) * cols;
  parallel_for(pool, rows, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> row(static_cast<std::size_t>(cols));
    for (std::int64_t i = begin; i < end; ++i) {
      row_to_f32(type, static_cast<const std::byte*>(w) + i * width, cols, row.data());
      HWY_DYNAMIC_DISPATCH(ByteEncodeRow)
      (row.data(), cols, values + i * cols, scales + i * (cols / kNfGroup));
    }
  });
}

std::int64_t byte_gemv_scratch(std::int64_t cols) { return cols / kNfGroup * (kNfGroup / 2 + 1); }

void byte_gemv(ThreadPool& pool, const ByteMatrix& w, const float* x, float* y, float* scratch) {
  auto* rounded = reinterpret_cast<std::int16_t*>(scratch);
  float* scale = scratch + w.cols / 2;
  nf_gemv_round(x, w.cols, 1, 1, rounded, scale);
  const NfGemvInput in{rounded, scale, 1, 1};
  const std::int64_t grain = std::max<std::int64_t>(1, 65536 / w.cols);
  parallel_for(pool, w.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(ByteRows)(w, &in, begin, end, y);
  });
}

}  // namespace lq::backends
#endif
