// The CPU's side of PackedLayout::kStored (backends/packed_view.h).
#include <algorithm>
#include <array>

#include "backends/cpu/packed_layouts.h"
#include "tensor/tensor_view.h"

namespace lq::backends {
namespace {

constexpr std::int64_t kStoredRowGrain = 8;
constexpr std::int64_t kStoredPiece = 1024;  // weights decoded at a time: whole blocks of every type
constexpr std::size_t kStoredLanes = 16;     // partial sums, so that additions do not wait for each other
constexpr std::size_t kStoredVectors = 4;

void stored_decode(const PackedView& w, std::int64_t begin, std::int64_t count, float* out) {
  w.stored.form->to_f32(w.stored.data, begin, count, out);
}

// y[j, row] for each vector j.
void stored_few_row(const PackedView& w, std::int64_t row, const float* x, std::int64_t count, float* y) {
  std::array<std::array<float, kStoredLanes>, kStoredVectors> sums{};
  std::array<float, kStoredPiece> piece;
  for (std::int64_t begin = 0; begin < w.cols; begin += kStoredPiece) {
    const std::int64_t n = std::min(kStoredPiece, w.cols - begin);
    stored_decode(w, row * w.cols + begin, n, piece.data());
    const auto size = static_cast<std::size_t>(n);
    for (std::int64_t j = 0; j < count; ++j) {
      const float* const in = x + j * w.cols + begin;
      auto& sum = sums[static_cast<std::size_t>(j)];
      std::size_t k = 0;
      for (; k + kStoredLanes <= size; k += kStoredLanes) {
        for (std::size_t l = 0; l < kStoredLanes; ++l) sum[l] += piece[k + l] * in[k + l];
      }
      for (; k < size; ++k) sum[k % kStoredLanes] += piece[k] * in[k];
    }
  }
  for (std::int64_t j = 0; j < count; ++j) {
    float total = 0.0F;
    for (const float part : sums[static_cast<std::size_t>(j)]) total += part;
    y[j * w.rows + row] = total;
  }
}

void stored_few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
                float* /*scratch*/, bool /*coarse*/) {
  parallel_for(pool, w.rows, kStoredRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) stored_few_row(w, row, x, count, y);
  });
}

}  // namespace

const PackedLayoutOps kStoredOps = {stored_decode, nullptr, stored_few, nullptr};

}  // namespace lq::backends
