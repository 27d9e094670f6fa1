#include "quant/codebook/codebook_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "backends/cpu/nf_codec.h"
#include "backends/cpu/nf_search.h"
#include "base/error.h"
#include "quant/codebook/codebook_reference.h"
#include "quant/codebook/feedback.h"
#include "quant/codebook/restored_scales.h"

namespace lq {
namespace {

// Up to this code width feedback moves targets so far beyond the weights that scales searched once more, for
// the targets, pay: on quill's matrices 15 % less error at 2 bits, nothing at 3.
constexpr int kRescaledBits = 2;

// The first-level scales of one matrix.
class BlockScales {
 public:
  BlockScales(ThreadPool& pool, const CodebookConfig& config, const CodebookQuantizerOptions& options,
              const float* w, std::int64_t rows, std::int64_t cols, const ErrorWeights& weights)
      : target_(new float[static_cast<std::size_t>((rows * cols + config.block - 1) / config.block)]) {
    const std::int64_t n = rows * cols;
    choice_.target = target_.get();
    if (options.scales == ScaleMode::kAbsMax) {
      choice_.offset = backends::nf_block_absmax(pool, w, n, config.block, target_.get());
      return;
    }
    const Codebook& book = codebook_of(options.kind, config.bits);
    const backends::NfErrorWeights importance{weights.rows, weights.cols};
    choice_.offset =
        backends::nf_search_scales(pool, book, w, n, cols, config.block, importance, target_.get());
    codes_.resize(static_cast<std::size_t>((n + config.block - 1) / config.block));
    backends::nf_search_scale_codes(pool, nf_format(config), book, w, n, cols, importance, choice_,
                                    codes_.data());
    choice_.codes = codes_.data();
  }
  const backends::NfScaleChoice& choice() const { return choice_; }

 private:
  std::unique_ptr<float[]> target_;  // not initialized: it may be large
  std::vector<std::uint8_t> codes_;
  backends::NfScaleChoice choice_{};
};

// Fills a new matrix's scales and, against them, codes.
void encode(ThreadPool& pool, const CodebookConfig& config, CodebookKind kind, const float* w,
            const backends::NfScaleChoice& choice, CodebookMatrix& matrix) {
  backends::nf_pack(pool, nf_format(config), codebook_of(kind, config.bits), w, matrix.sizes().elements,
                    choice, {matrix.mutable_codes(), matrix.mutable_scales(), matrix.mutable_scales2()});
  matrix.set_offset(choice.offset);
}

// codes: one a byte, in place of those that the matrix has.
void take_codes(const std::uint8_t* codes, std::int64_t count, CodebookMatrix& matrix) {
  const std::vector<std::uint8_t> packed = codebook_reference_pack(codes, count, matrix.config().bits);
  std::copy(packed.begin(), packed.end(), matrix.mutable_codes());
}

bool feeds_back(const CodebookQuantizerOptions& options, const ErrorWeights& weights) {
  switch (options.feedback) {
    case Feedback::kOn:
      return weights.row_factor != nullptr || weights.col_factor != nullptr;
    case Feedback::kGptq:
      return weights.reversed_col_factor != nullptr;
    case Feedback::kOff:
      break;
  }
  return false;
}

}  // namespace

CodebookQuantizer::CodebookQuantizer(const CodebookConfig& config, const CodebookQuantizerOptions& options)
    : config_(config), options_(options) {
  check_codebook_config(config, "quantizer");
}

void CodebookQuantizer::round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                   float* q) const {
  round_trip_weighted(pool, w, rows, cols, q, {});
}

void CodebookQuantizer::round_trip_weighted(ThreadPool& pool, const float* w, std::int64_t rows,
                                            std::int64_t cols, float* q, const ErrorWeights& weights) const {
  if (feeds_back(options_, weights)) {
    feed_back(pool, w, rows, cols, weights, q, false);
    return;
  }
  const std::int64_t n = codebook_sizes(rows, cols, config_, name()).elements;
  const BlockScales scales(pool, config_, options_, w, rows, cols, weights);
  backends::nf_round_trip(pool, nf_format(config_), codebook_of(options_.kind, config_.bits), w, n,
                          scales.choice(), q);
}

std::string CodebookQuantizer::name() const {
  const std::string_view feedback = options_.feedback == Feedback::kOn     ? " feedback"
                                    : options_.feedback == Feedback::kGptq ? " gptq"
                                                                           : "";
  return fmt::format("{} {}{}{}", codebook_kind_name(options_.kind), to_string(config_),
                     options_.scales == ScaleMode::kSearch ? " search" : "", feedback);
}

CodebookMatrix CodebookQuantizer::quantize(ThreadPool& pool, const float* w, std::int64_t rows,
                                           std::int64_t cols, const ErrorWeights& weights) const {
  if (feeds_back(options_, weights)) return feed_back(pool, w, rows, cols, weights, nullptr, true);
  CodebookMatrix matrix(rows, cols, config_, options_.kind, name());
  const BlockScales scales(pool, config_, options_, w, rows, cols, weights);
  encode(pool, config_, options_.kind, w, scales.choice(), matrix);
  return matrix;
}

PackedMatrix CodebookQuantizer::pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                                     const ErrorWeights& weights) const {
  return packed_matrix(quantize(pool, w, rows, cols, weights));
}

std::unique_ptr<Quantizer> CodebookQuantizer::without_feedback() const {
  CodebookQuantizerOptions options = options_;
  options.feedback = Feedback::kOff;
  return std::make_unique<CodebookQuantizer>(config_, options);
}

std::unique_ptr<Quantizer> CodebookQuantizer::draft() const {
  return options_.feedback == Feedback::kOn ? without_feedback() : nullptr;
}

std::optional<backends::CodebookRounding> CodebookQuantizer::codebook_rounding() const {
  if (options_.feedback == Feedback::kGptq) return std::nullopt;
  const bool search = options_.scales == ScaleMode::kSearch;
  const bool feedback = options_.feedback == Feedback::kOn;
  return backends::CodebookRounding{nf_format(config_), &codebook_of(options_.kind, config_.bits), search,
                                    feedback, feedback && search && config_.bits <= kRescaledBits};
}

PackedMatrix CodebookQuantizer::pack_codes(ThreadPool& pool, const float* w, std::int64_t rows,
                                           std::int64_t cols, const std::uint8_t* codes,
                                           const ErrorWeights& weights) const {
  CodebookMatrix matrix(rows, cols, config_, options_.kind, name());
  const BlockScales scales(pool, config_, options_, w, rows, cols, weights);
  encode(pool, config_, options_.kind, w, scales.choice(), matrix);
  take_codes(codes, rows * cols, matrix);
  return packed_matrix(std::move(matrix));
}

CodebookMatrix CodebookQuantizer::feed_back(ThreadPool& pool, const float* w, std::int64_t rows,
                                            std::int64_t cols, const ErrorWeights& weights, float* q,
                                            bool pack) const {
  CodebookMatrix matrix(rows, cols, config_, options_.kind, name());
  const bool gptq = options_.feedback == Feedback::kGptq;
  FeedbackProblem problem{.w = w,
                          .rows = rows,
                          .cols = cols,
                          .row_factor = gptq ? nullptr : weights.row_factor,
                          .col_factor = gptq ? weights.reversed_col_factor : weights.col_factor,
                          .first_to_last = gptq,
                          .book = &codebook_of(options_.kind, config_.bits),
                          .block = config_.block};
  {
    const BlockScales scales(pool, config_, options_, w, rows, cols, weights);
    encode(pool, config_, options_.kind, w, scales.choice(), matrix);
  }
  RestoredScales restored = restored_scales(matrix);
  problem.scales = restored.scales.data();
  if (!gptq && options_.scales == ScaleMode::kSearch && config_.bits <= kRescaledBits) {
    std::vector<float> moved(static_cast<std::size_t>(rows * cols));
    feedback_quantize(pool, problem, {.targets = moved.data()});
    const BlockScales scales(pool, config_, options_, moved.data(), rows, cols, weights);
    encode(pool, config_, options_.kind, moved.data(), scales.choice(), matrix);
    restored = restored_scales(matrix);
    problem.scales = restored.scales.data();
  }
  std::vector<std::uint8_t> codes(pack ? static_cast<std::size_t>(rows * cols) : 0);
  feedback_quantize(pool, problem, {.q = q, .codes = pack ? codes.data() : nullptr});
  if (pack) take_codes(codes.data(), rows * cols, matrix);
  return matrix;
}

}  // namespace lq
