#include "decompose/decompose.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/float16.h"
#include "decompose/lq_loop.h"
#include "decompose/residual_space.h"
#include "linalg/subspace_tracker.h"

namespace lq {
namespace {

// Passes that fit the final factors to the chosen Q.
constexpr int kRefitPasses = 2;
// The same where there were none before.
constexpr int kFreshPasses = 6;

LqLoopOptions loop_options(const DecomposeOptions& o) {
  const MethodTraits& method = method_traits(o.method);
  LqLoopOptions loop{.rank = o.rank};
  loop.max_iterations = method.alternates && o.max_iterations > 0 ? o.max_iterations : method.iterations;
  loop.start_from_svd = method.starts_from_svd;
  loop.keep_best = method.keeps_best;
  if (method.accelerated) {
    loop.tolerance = o.tolerance;
    loop.relaxation = o.relaxation;
    loop.target_error = o.target_error;
  }
  return loop;
}

Tensor to_tensor(std::int64_t rows, std::int64_t cols, const std::vector<float>& values) {
  Tensor out = Tensor::empty(DType::kF32, {rows, cols});
  std::memcpy(out.mutable_raw(), values.data(), out.bytes());
  return out;
}

// Factors that share the singular values of u b evenly: L1 = U sqrt(S), L2 = sqrt(S) V^T in weighted
// coordinates. u: orthonormal columns; b: orthogonal rows.
Factors balanced(const ResidualSpace& space, std::int64_t rank, std::int64_t rows, std::int64_t cols,
                 const SubspaceTracker& tracker) {
  std::vector<float> u = tracker.u();
  std::vector<float> b(tracker.basis().begin(), tracker.basis().begin() + rank * cols);
  for (std::int64_t k = 0; k < rank; ++k) {
    double square = 0.0;
    for (std::int64_t j = 0; j < cols; ++j) square += std::pow(static_cast<double>(b[k * cols + j]), 2);
    const double root = std::pow(square, 0.25);
    const auto up = static_cast<float>(root);
    const float down = root > 0.0 && std::isfinite(1.0F / up) ? 1.0F / up : 0.0F;
    for (std::int64_t i = 0; i < rows; ++i) u[i * rank + k] *= up;
    for (std::int64_t j = 0; j < cols; ++j) b[k * cols + j] *= down;
  }
  return space.to_plain(rank, u, b);
}

// To the nearest values of the type that they will be stored as.
Factors rounded(Factors factors, DType type) {
  if (type == DType::kF32) return factors;
  for (float& v : factors.l1) v = to_float(to_bf16(v));
  for (float& v : factors.l2) v = to_float(to_bf16(v));
  return factors;
}

// The importance of `options`, with what its method needs.
Importance importance_for(Context& context, const DecomposeOptions& options) {
  const Importance importance = options.importance == nullptr ? Importance() : *options.importance;
  if (!method_traits(options.method).groups_with_feedback) return importance;
  LQ_CHECK(importance.right() != nullptr, kInvalidArgument,
           "method gptq needs the second moment of the inputs: weights input or kfac");
  return importance.with_reversed_factor(context.pool);
}

void check_feedback(const Quantizer& quantizer, const DecomposeOptions& options) {
  const Feedback feedback = quantizer.feedback();
  LQ_CHECK((feedback == Feedback::kGptq) == method_traits(options.method).groups_with_feedback,
           kInvalidArgument, "method {} does not go with the quantizer {}",
           decompose_method_name(options.method), quantizer.name());
  LQ_CHECK(
      feedback != Feedback::kOn || (options.importance != nullptr && options.importance->right() != nullptr),
      kInvalidArgument, "error feedback needs the second moment of the inputs: weights input or kfac");
}

double ratio(double squared, double of) { return of > 0.0 ? std::sqrt(squared / of) : 0.0; }

void start(ResidualSpace& space, Decomposition& out) {
  space.start();
  out.squared_norm = space.squared_w();
  out.squared_weighted_norm = space.weighted_w();
}

void quantize_last(ResidualSpace& space, const Quantizer& quantizer, const Factors& target,
                   Decomposition& out) {
  if (quantizer.draft() != nullptr) {
    out.packed = space.quantize_and_pack(target);
  } else {
    space.quantize(target);
  }
}

void measure(const ResidualSpace& space, Decomposition& out) {
  out.relative_error = ratio(space.squared(), space.squared_w());
  out.relative_weighted_error = ratio(space.weighted(), space.weighted_w());
}

// Q for `target`, and the factors that suit it best, `target` itself among them.
void fit_factors(Context& context, ResidualSpace& space, const Quantizer& quantizer,
                 const DecomposeOptions& options, const Factors& target, int passes, SubspaceTracker& tracker,
                 std::int64_t rows, std::int64_t cols, Decomposition& out) {
  quantize_last(space, quantizer, target, out);
  for (int i = 0; i < passes; ++i) tracker.pass(context.pool, space.residual());
  Factors factors = rounded(balanced(space, options.rank, rows, cols, tracker), options.factors);
  if (target.rank > 0) {
    Factors unfitted = rounded(target, options.factors);
    if (space.error_with(unfitted) < space.error_with(factors)) factors = std::move(unfitted);
    out.target_l1 = to_tensor(rows, options.rank, target.l1);
    out.target_l2 = to_tensor(options.rank, cols, target.l2);
  }
  out.l1 = to_tensor(rows, options.rank, factors.l1);
  out.l2 = to_tensor(options.rank, cols, factors.l2);
  space.subtract(factors);
  measure(space, out);
}

// REQUIRES: what decompose() checks.
Decomposition decompose_with(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                             const Quantizer& quantizer, const DecomposeOptions& options,
                             const Importance& importance) {
  ResidualSpace space(context, w, rows, cols, quantizer, importance);
  Decomposition out;
  start(space, out);
  const std::int64_t rank = method_traits(options.method).factors ? options.rank : 0;
  if (rank == 0) {
    context.stop.check();
    quantize_last(space, quantizer, {}, out);
    measure(space, out);
    out.iterations = 1;
    out.trace = {out.relative_weighted_error};
    return out;
  }
  SubspaceTracker tracker(context.pool, rows, cols, rank, options.oversampling, context.seed, options.stream);
  LqLoopResult loop = lq_loop(context, rows, cols, space, tracker, loop_options(options));
  out.iterations = loop.iterations;
  out.trace = std::move(loop.trace);
  fit_factors(context, space, quantizer, options, loop.target, kRefitPasses, tracker, rows, cols, out);
  return out;
}

// The target that a draft of the quantizer found, quantized by itself.
Decomposition finish(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                     const Quantizer& quantizer, const DecomposeOptions& options,
                     const Importance& importance, const Decomposition& drafted) {
  context.stop.check();
  ResidualSpace space(context, w, rows, cols, quantizer, importance);
  Decomposition out;
  start(space, out);
  out.iterations = drafted.iterations;
  out.trace = drafted.trace;
  Factors target;
  if (drafted.target_l1.numel() > 0) {
    const auto values = [](const Tensor& t) {
      return std::vector<float>(t.data<float>(), t.data<float>() + t.numel());
    };
    target = {options.rank, values(drafted.target_l1), values(drafted.target_l2)};
  }
  SubspaceTracker tracker(context.pool, rows, cols, options.rank, options.oversampling, context.seed,
                          options.stream);
  fit_factors(context, space, quantizer, options, target, kFreshPasses, tracker, rows, cols, out);
  return out;
}

}  // namespace

nlohmann::json decompose_options_to_json(const DecomposeOptions& o) {
  return {{"method", std::string(decompose_method_name(o.method))},
          {"rank", o.rank},
          {"max_iterations", o.max_iterations},
          {"tolerance", o.tolerance},
          {"relaxation", o.relaxation},
          {"target_error", o.target_error},
          {"oversampling", o.oversampling},
          {"factors", dtype_name(o.factors)}};
}

Decomposition decompose(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                        const Quantizer& quantizer, const DecomposeOptions& options) {
  LQ_CHECK(options.rank >= 0 && options.rank <= std::min(rows, cols), kInvalidArgument,
           "rank {} is impossible for a {} x {} matrix, which allows 0 to {}", options.rank, rows, cols,
           std::min(rows, cols));
  LQ_CHECK(options.factors == DType::kF32 || options.factors == DType::kBf16, kInvalidArgument,
           "low-rank factors as {}: must be F32 or BF16", dtype_name(options.factors));
  check_feedback(quantizer, options);
  const Importance importance = importance_for(context, options);
  const bool factors = method_traits(options.method).factors && options.rank > 0;
  const std::unique_ptr<Quantizer> draft = factors ? quantizer.draft() : nullptr;
  if (draft == nullptr) return decompose_with(context, w, rows, cols, quantizer, options, importance);
  Decomposition drafted = decompose_with(context, w, rows, cols, *draft, options, importance);
  Decomposition out = finish(context, w, rows, cols, quantizer, options, importance, drafted);
  if (quantizer.feedback() != Feedback::kOn) return out;
  // Where the factors can take up the directions that matter most, feedback pays for them in vain.
  const std::unique_ptr<Quantizer> alone = quantizer.without_feedback();
  Decomposition plain = std::move(drafted);
  if (alone->draft() != nullptr) plain = finish(context, w, rows, cols, *alone, options, importance, plain);
  if (plain.relative_weighted_error >= out.relative_weighted_error) return out;
  plain.feedback = false;
  return plain;
}

void decomposition_target(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                          const Decomposition& d, float* out) {
  const std::int64_t rank = d.target_l1.numel() == 0 ? 0 : d.target_l1.dim(1);
  subtract_product(context.pool, rows, cols, w, rank, d.target_l1.data<float>(), d.target_l2.data<float>(),
                   out);
}

PackedMatrix pack_decomposition(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                const Decomposition& d, const Quantizer& quantizer,
                                const DecomposeOptions& options) {
  if (d.packed.rows() > 0) return d.packed;
  if (!d.feedback && quantizer.feedback() == Feedback::kOn)
    return pack_decomposition(context, w, rows, cols, d, *quantizer.without_feedback(), options);
  const Importance importance = importance_for(context, options);
  if (d.target_l1.numel() == 0)
    return quantizer.pack(context.pool, w, rows, cols, importance.error_weights());
  Tensor target = Tensor::empty(DType::kF32, {rows, cols});
  decomposition_target(context, w, rows, cols, d, target.mutable_data<float>());
  return quantizer.pack(context.pool, target.data<float>(), rows, cols, importance.error_weights());
}

}  // namespace lq
