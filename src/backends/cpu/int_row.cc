// The CPU's side of PackedLayout::kIntRow (backends/packed_view.h).
#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/packed_layouts.h"

namespace lq::backends {
namespace {

constexpr std::int64_t kRowGrain = 16;
// Codes that are brought to f32 at a time: whole bytes at every width.
constexpr std::int64_t kChunk = 64;
// Partial sums of a dot product, added up in a fixed order.
constexpr std::int64_t kLanes = 16;

std::int64_t row_bytes(const PackedView& w) { return (w.cols * w.int_row.bits + 7) / 8; }

float scale_of(const PackedView& w, std::int64_t row) {
  float scale;
  std::memcpy(&scale, static_cast<const char*>(w.int_row.scales) + 4 * row, sizeof(scale));
  return scale;
}

// out[i] = code begin + i of a row, as a number, for i < count. Reads the row's bytes only.
void read_codes(const std::uint8_t* row, int bits, std::int64_t begin, std::int64_t count, float* out) {
  const int middle = 1 << (bits - 1);
  const int mask = (1 << bits) - 1;
  std::int64_t at = begin * bits;
  for (std::int64_t i = 0; i < count; ++i, at += bits) {
    const std::int64_t byte = at / 8;
    const int shift = static_cast<int>(at % 8);
    int word = row[byte];
    if (shift + bits > 8) word |= row[byte + 1] << 8;
    out[i] = static_cast<float>(((word >> shift) & mask) - middle);
  }
}

void decode(const PackedView& w, std::int64_t begin, std::int64_t count, float* out) {
  while (count > 0) {
    const std::int64_t row = begin / w.cols;
    const std::int64_t col = begin % w.cols;
    const std::int64_t n = std::min(count, w.cols - col);
    read_codes(w.int_row.codes + row * row_bytes(w), w.int_row.bits, col, n, out);
    const float scale = scale_of(w, row);
    for (std::int64_t i = 0; i < n; ++i) out[i] *= scale;
    begin += n;
    count -= n;
    out += n;
  }
}

// Codes first, the scale once at the end.
void few_row(const PackedView& w, std::int64_t row, const float* x, std::int64_t count, float* y) {
  std::array<std::array<float, kLanes>, 4> lanes{};
  std::array<float, kChunk> codes;
  for (std::int64_t begin = 0; begin < w.cols; begin += kChunk) {
    const std::int64_t n = std::min(kChunk, w.cols - begin);
    read_codes(w.int_row.codes + row * row_bytes(w), w.int_row.bits, begin, n, codes.data());
    for (std::int64_t j = 0; j < count; ++j) {
      const float* const in = x + j * w.cols + begin;
      auto& sum = lanes[static_cast<std::size_t>(j)];
      std::int64_t k = 0;
      for (; k + kLanes <= n; k += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l)
          sum[static_cast<std::size_t>(l)] += codes[static_cast<std::size_t>(k + l)] * in[k + l];
      }
      for (; k < n; ++k)
        sum[static_cast<std::size_t>(k % kLanes)] += codes[static_cast<std::size_t>(k)] * in[k];
    }
  }
  const float scale = scale_of(w, row);
  for (std::int64_t j = 0; j < count; ++j) {
    float total = 0.0F;
    for (const float part : lanes[static_cast<std::size_t>(j)]) total += part;
    y[j * w.rows + row] = scale * total;
  }
}

void few(ThreadPool& pool, const PackedView& w, const float* x, std::int64_t count, float* y,
         float* /*scratch*/, bool /*coarse*/) {
  parallel_for(pool, w.rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) few_row(w, row, x, count, y);
  });
}

}  // namespace

const PackedLayoutOps kIntRowOps = {decode, nullptr, few, nullptr};

}  // namespace lq::backends
