#include "quant/ggml/ggml_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backends/cpu/packed_product.h"
#include "base/error.h"
#include "quant/ggml/block_feedback.h"
#include "quant/ggml/block_fit.h"
#include "quant/ggml/ggml_format.h"

namespace lq {
namespace {

using ggml::BlockKind;

constexpr std::int64_t kRowsOfAJob = 4;

// Codes of a block, each alone.
void code_block(const BlockKind& kind, const float* x, const float* importance, bool search,
                std::uint8_t* out) {
  const ggml::BlockScales scales = ggml::fit_scales(kind, x, importance, search);
  std::array<std::uint8_t, ggml::kMostWeights> codes{};
  for (int i = 0; i < kind.weights; ++i) {
    const auto sub = static_cast<std::size_t>(i / kind.sub);
    codes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ggml::code_of(kind, scales, sub, x[i]));
  }
  ggml::put_block(kind, scales, codes.data(), out);
}

// What each weight of a row counts where nothing says: as much as its own magnitude and the row's.
void own_importance(const float* x, std::int64_t n, float* importance) {
  double squares = 0.0;
  for (std::int64_t i = 0; i < n; ++i) squares += double{x[i]} * x[i];
  const auto usual = static_cast<float>(std::sqrt(squares / static_cast<double>(n)));
  for (std::int64_t i = 0; i < n; ++i) importance[i] = usual + std::abs(x[i]);
}

}  // namespace

GgmlQuantizer::GgmlQuantizer(const BlockKind& kind, const QuantizerOptions& options)
    : kind_(kind), options_(options) {
  LQ_CHECK(options.feedback != Feedback::kGptq, kInvalidArgument,
           "method gptq: format ggml has feedback of its own; choose another method with feedback");
}

std::vector<std::uint8_t> GgmlQuantizer::encode(ThreadPool& pool, const float* w, std::int64_t rows,
                                                std::int64_t cols, const ErrorWeights& weights) const {
  const BlockKind& kind = ggml_kind_of(kind_, rows, cols, name());
  const std::int64_t block_bytes = ggml::type_info(kind.type).bytes;
  const std::int64_t in_row = cols / kind.weights;
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(rows * in_row * block_bytes));
  const bool search = options_.scales == ScaleMode::kSearch;
  if (options_.feedback == Feedback::kOn && weights.col_factor != nullptr) {
    ggml::feed_back_blocks(pool, kind, search, w, rows, cols, weights, blocks.data());
    return blocks;
  }
  parallel_for(pool, rows, kRowsOfAJob, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> importance(static_cast<std::size_t>(cols), 1.0F);
    if (weights.cols != nullptr) std::copy_n(weights.cols, cols, importance.begin());
    for (std::int64_t row = begin; row < end; ++row) {
      const float* const x = w + row * cols;
      if (weights.cols == nullptr && search) own_importance(x, cols, importance.data());
      for (std::int64_t block = 0; block < in_row; ++block) {
        const std::int64_t at = block * kind.weights;
        code_block(kind, x + at, importance.data() + at, search,
                   blocks.data() + (row * in_row + block) * block_bytes);
      }
    }
  });
  return blocks;
}

void GgmlQuantizer::round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                               float* q) const {
  round_trip_weighted(pool, w, rows, cols, q, {});
}

void GgmlQuantizer::round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows,
                                        std::int64_t cols, float* q, const ErrorWeights& weights) const {
  pack(pool, w, rows, cols, weights).dequantize(pool, q);
}

PackedMatrix GgmlQuantizer::pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                 const ErrorWeights& weights) const {
  const auto blocks = std::make_shared<const std::vector<std::uint8_t>>(encode(pool, w, rows, cols, weights));
  return ggml_matrix(kind_, rows, cols, *blocks, name(), blocks);
}

std::string GgmlQuantizer::name() const {
  return fmt::format("ggml {}{}{}", kind_.parameters, options_.scales == ScaleMode::kSearch ? " search" : "",
                     options_.feedback == Feedback::kOn ? " feedback" : "");
}

std::unique_ptr<Quantizer> GgmlQuantizer::without_feedback() const {
  QuantizerOptions options = options_;
  options.feedback = Feedback::kOff;
  return std::make_unique<GgmlQuantizer>(kind_, options);
}

}  // namespace lq
