// Weights of every layout, and the f32 values that each stands for.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/packed_view.h"
#include "backends/trellis_case.h"
#include "base/float16.h"
#include "base/rng.h"
#include "quant/codebook/codebook_reference.h"
#include "reference/numbers.h"
#include "tensor/tensor.h"

namespace lq::some_weights {

using backends::PackedLayout;
using backends::PackedView;
using reference::normals;

// A weight, what holds its bytes, and the f32 values that it stands for.
struct SomeWeight {
  std::string name;
  PackedView view;
  std::vector<float> values;
  std::vector<std::uint8_t> bytes;
  std::vector<float> scales;
  CodebookReferencePacked packed;
  std::shared_ptr<const backends::TrellisCase> trellis;
};
using Shared = std::shared_ptr<const SomeWeight>;

inline std::shared_ptr<SomeWeight> empty_weight(std::string name, PackedLayout layout, std::int64_t rows,
                                                std::int64_t cols) {
  auto w = std::make_shared<SomeWeight>();
  w->name = std::move(name);
  w->view.layout = layout;
  w->view.rows = rows;
  w->view.cols = cols;
  w->values.resize(static_cast<std::size_t>(rows * cols));
  return w;
}

inline Shared dense_weight(backends::DenseType type, DType dtype, std::int64_t rows, std::int64_t cols) {
  auto w = empty_weight(std::string(dtype_name(dtype)), PackedLayout::kDense, rows, cols);
  const auto x = normals(w->values.size(), 21);
  // One byte before it, so that nothing is aligned.
  w->bytes.resize(1 + x.size() * dtype_size(dtype));
  auto* const at = reinterpret_cast<std::byte*>(w->bytes.data() + 1);
  convert_from_f32(dtype, x.data(), std::ssize(x), at);
  convert_to_f32(dtype, at, 0, std::ssize(x), w->values.data());
  w->view.dense = {at, type};
  return w;
}

inline Shared codebook_weight(const CodebookConfig& config, std::int64_t rows, std::int64_t cols) {
  auto w = empty_weight(to_string(config), PackedLayout::kCodebook, rows, cols);
  const std::int64_t n = rows * cols;
  const auto x = normals(static_cast<std::size_t>(n), 22);
  const Codebook& book = codebook_of(CodebookKind::kNormalFloat, config.bits);
  w->packed = codebook_reference_quantize(x.data(), n, config, book);
  codebook_reference_dequantize(w->packed, n, config, book, 0, n, w->values.data());
  w->view.codebook = {w->packed.codes.data(),
                      w->packed.scales.data(),
                      w->packed.scales2.data(),
                      w->packed.offset,
                      {config.bits, config.scale_bits, config.scale2, config.block, config.block2},
                      rows,
                      cols,
                      book.values};
  return w;
}

inline Shared int_row_weight(int bits, std::int64_t rows, std::int64_t cols) {
  auto w = empty_weight("int-row " + std::to_string(bits), PackedLayout::kIntRow, rows, cols);
  const std::int64_t row_bytes = (cols * bits + 7) / 8;
  w->bytes.resize(static_cast<std::size_t>(rows * row_bytes));
  w->scales = normals(static_cast<std::size_t>(rows), 23);
  const Rng rng(5, static_cast<std::uint64_t>(bits));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t k = 0; k < cols; ++k) {
      const auto index = static_cast<std::size_t>(i * cols + k);
      const auto code = static_cast<unsigned>(rng.below(index, std::uint64_t{1} << bits));
      for (int b = 0; b < bits; ++b) {
        const std::int64_t bit = k * bits + b;
        if (code >> b & 1U)
          w->bytes[static_cast<std::size_t>(i * row_bytes + bit / 8)] |=
              static_cast<std::uint8_t>(1U << bit % 8);
      }
      w->values[index] = w->scales[static_cast<std::size_t>(i)] *
                         static_cast<float>(static_cast<int>(code) - (1 << (bits - 1)));
    }
  }
  w->view.int_row = {w->bytes.data(), w->scales.data(), bits};
  return w;
}

inline Shared trellis_weight(int bits, std::int64_t rows, std::int64_t cols, int state_bits = 12,
                             int block = 64) {
  auto w = empty_weight("tcq " + std::to_string(bits), PackedLayout::kTrellis, rows, cols);
  auto of = std::make_shared<const backends::TrellisCase>(bits, state_bits, block, rows, cols);
  w->values = of->values;
  w->view = of->view;
  w->trellis = std::move(of);
  return w;
}

inline std::vector<Shared> some_weights_of(std::int64_t rows, std::int64_t cols) {
  return {dense_weight(backends::DenseType::kF32, DType::kF32, rows, cols),
          dense_weight(backends::DenseType::kBf16, DType::kBf16, rows, cols),
          dense_weight(backends::DenseType::kF16, DType::kF16, rows, cols),
          codebook_weight({2, 3, ScaleDType::kBf16, 16, 16}, rows, cols),
          codebook_weight({3, 8, ScaleDType::kFp32, 64, 256}, rows, cols),
          codebook_weight({4, 8, ScaleDType::kFp16, 64, 64}, rows, cols),
          codebook_weight({8, 4, ScaleDType::kFp32, 32, 256}, rows, cols),
          int_row_weight(2, rows, cols),
          int_row_weight(3, rows, cols),
          int_row_weight(8, rows, cols),
          trellis_weight(2, rows, cols),
          trellis_weight(3, rows, cols)};
}

}  // namespace lq::some_weights
