// Matrices to be rounded to codes of codebooks, with what the processor makes of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/cuda/quantize_element.h"
#include "quant/codebook/codebook_quantizer.h"
#include "reference/dense_matrix.h"

namespace lq::backends {

struct RoundingCase {
  std::string name;
  NfFormat format = {};
  const NfCodebook* book = nullptr;
  bool search = false;
  std::int64_t rows = 0, cols = 0;
  std::vector<float> w, row_weights, col_weights, expected;
};

// Kinds, widths of codes and scales, types of second-level scales, blocks of either level, both ways to
// choose scales, with and without weights; a block of zeros and a large weight among the elements.
inline std::vector<RoundingCase> rounding_cases(std::int64_t rows, std::int64_t cols) {
  const CodebookConfig configs[] = {{2, 8, ScaleDType::kFp32, 64, 256}, {3, 4, ScaleDType::kBf16, 32, 64},
                                    {4, 2, ScaleDType::kFp16, 16, 16},  {5, 3, ScaleDType::kFp32, 64, 16},
                                    {6, 8, ScaleDType::kFp16, 32, 256}, {8, 4, ScaleDType::kBf16, 16, 64}};
  constexpr CodebookKind kKinds[] = {CodebookKind::kNormalFloat, CodebookKind::kUniformInt,
                                     CodebookKind::kLloydMax};
  std::vector<RoundingCase> cases;
  std::uint64_t stream = 0;
  ThreadPool pool(1);
  for (const CodebookConfig& config : configs) {
    for (const ScaleMode mode : {ScaleMode::kAbsMax, ScaleMode::kSearch}) {
      for (const int weights : {0, 1, 2, 3}) {
        if (mode == ScaleMode::kAbsMax && weights > 0) continue;
        const CodebookKind kind = kKinds[stream++ % 3];
        const CodebookQuantizer quantizer(config, {.kind = kind, .scales = mode});
        RoundingCase c;
        c.name = quantizer.name() + " weights " + std::to_string(weights);
        const auto rounding = quantizer.codebook_rounding().value();
        c.format = rounding.format;
        c.book = rounding.book;
        c.search = rounding.search;
        c.rows = rows;
        c.cols = cols;
        c.w = reference::normal_matrix(rows, cols, stream);
        for (std::size_t i = 0; i < c.w.size(); ++i) c.w[i] = i / 64 % 3 == 1 ? 0.0F : c.w[i];
        c.w.back() *= 50.0F;
        if ((weights & 1) != 0) c.row_weights = reference::normal_matrix(1, rows, stream + 100);
        if ((weights & 2) != 0) c.col_weights = reference::normal_matrix(1, cols, stream + 200);
        for (auto* side : {&c.row_weights, &c.col_weights})
          std::ranges::transform(*side, side->begin(), [](float x) { return x * x; });
        c.expected.resize(c.w.size());
        quantizer.round_trip_weighted(pool, c.w.data(), rows, cols, c.expected.data(),
                                      {c.row_weights.empty() ? nullptr : c.row_weights.data(),
                                       c.col_weights.empty() ? nullptr : c.col_weights.data()});
        cases.push_back(std::move(c));
      }
    }
  }
  return cases;
}

inline cuda::SharedBook shared_book(const NfCodebook& from) {
  cuda::SharedBook book = {};
  std::copy_n(from.values, 1 << from.bits, book.values);
  std::copy_n(from.midpoints, (1 << from.bits) - 1, book.midpoints);
  return book;
}

// backends/cuda/quantize.cu's kernels, one thread after the other; what threads share by barriers and
// shuffles, largest and smallest numbers, by plain loops.
inline std::vector<float> scales_as_threads(const RoundingCase& c) {
  const std::int64_t n = c.rows * c.cols;
  const NfFormat& f = c.format;
  const cuda::SharedBook book = shared_book(*c.book);
  const auto blocks = static_cast<std::size_t>((n + f.block - 1) / f.block);
  cuda::ScaleSearch search;
  search.format = f;
  search.n = n;
  search.row_length = c.cols;
  search.w = c.w.data();
  search.row_weights = c.row_weights.empty() ? nullptr : c.row_weights.data();
  search.col_weights = c.col_weights.empty() ? nullptr : c.col_weights.data();
  std::vector<float> target(blocks, 0.0F);
  for (std::size_t j = 0; j < blocks; ++j) {
    if (c.search) {
      target[j] = cuda::searched_target(search, book, static_cast<std::int64_t>(j));
      continue;
    }
    const std::int64_t begin = static_cast<std::int64_t>(j) * f.block;
    for (std::int64_t run = begin; run < std::min(n, begin + f.block); run += cuda::kMaxRun)
      target[j] = std::max(target[j], cuda::largest_of_run(c.w.data(), run, n));
  }
  const float offset = *std::ranges::min_element(target);
  std::vector<float> scales(blocks);
  for (std::size_t j = 0; j < blocks; ++j) {
    const std::size_t first = j / static_cast<std::size_t>(f.block2) * static_cast<std::size_t>(f.block2);
    float largest = 0.0F;
    for (std::size_t k = first; k < std::min(blocks, first + static_cast<std::size_t>(f.block2)); ++k)
      largest = std::max(largest, target[k] - offset);
    const float scale2 = cuda::stored_scale2(largest, f.scale2);
    const int code = cuda::nearest_scale_code(target[j], offset, scale2, f.scale_bits);
    scales[j] =
        c.search ? cuda::searched_scale(search, book, static_cast<std::int64_t>(j), target[j], offset, scale2)
                 : cuda::scale_of_code(code, offset, scale2, f.scale_bits);
  }
  return scales;
}

}  // namespace lq::backends
