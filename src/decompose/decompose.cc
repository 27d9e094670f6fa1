#include "decompose/decompose.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/error.h"
#include "decompose/device_coder.h"
#include "decompose/host_alternation.h"
#include "decompose/lq_loop.h"
#include "decompose/residual_space.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

// Passes that fit the final factors to the chosen Q.
constexpr int kRefitPasses = 2;
// The same where there were none before.
constexpr int kFreshPasses = 6;

LqLoopOptions loop_options(const DecomposeOptions& o) {
  const MethodTraits& method = method_traits(o.method);
  LqLoopOptions loop;
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

// As they will be stored.
Factors stored(Alternation& a, const Factors& factors, DType type) {
  Factors host = on_processor(a.place(), factors);
  round_factors(host, type);
  return on_device(a.place(), std::move(host));
}

// The importance of `options`, with what its method needs.
Importance importance_for(Context& context, const DecomposeOptions& options) {
  const Importance importance = options.importance == nullptr ? Importance() : *options.importance;
  if (!method_traits(options.method).groups_with_feedback) return importance;
  LQ_CHECK(importance.right() != nullptr, kInvalidArgument,
           "method gptq needs the second moment of the inputs: importance input or kfac");
  return importance.with_reversed_factor(context.pool);
}

void check_feedback(const Quantizer& quantizer, const DecomposeOptions& options) {
  const Feedback feedback = quantizer.feedback();
  LQ_CHECK((feedback == Feedback::kGptq) == method_traits(options.method).groups_with_feedback,
           kInvalidArgument, "method {} does not go with the quantizer {}",
           decompose_method_name(options.method), quantizer.name());
  LQ_CHECK(
      feedback != Feedback::kOn || (options.importance != nullptr && options.importance->right() != nullptr),
      kInvalidArgument, "error feedback needs the second moment of the inputs: importance input or kfac");
}

double ratio(double squared, double of) { return of > 0.0 ? std::sqrt(squared / of) : 0.0; }

void start(Alternation& a, Decomposition& out) {
  a.start();
  out.squared_norm = a.squared_w();
  out.squared_weighted_norm = a.weighted_w();
}

// What is slow to make is kept, and what the processor could not make again to the same bits.
void quantize_last(Alternation& a, const Quantizer& quantizer, const DecomposeOptions& options,
                   const Factors& target, Decomposition& out) {
  const bool elsewhere = !a.place().device.is_cpu() && !options.errors_only;
  if (quantizer.draft() != nullptr || elsewhere) {
    out.packed = a.quantize_and_pack(target);
  } else {
    a.quantize(target);
  }
}

void measure(const Alternation& a, Decomposition& out) {
  out.relative_error = ratio(a.squared(), a.squared_w());
  out.relative_weighted_error = ratio(a.weighted(), a.weighted_w());
}

// Q for `target`, and the factors that suit it best, `target` itself among them.
void fit_factors(Alternation& a, const Quantizer& quantizer, const DecomposeOptions& options,
                 const Factors& target, int passes, Decomposition& out) {
  quantize_last(a, quantizer, options, target, out);
  a.track(passes);
  const bool rounds = options.factors != DType::kF32;
  Factors factors = a.balanced();
  if (rounds) factors = stored(a, factors, options.factors);
  const Factors* best = &factors;
  Factors rounded_target;
  if (target.rank > 0) {
    if (rounds) rounded_target = stored(a, target, options.factors);
    const Factors& unfitted = rounds ? rounded_target : target;
    if (a.error_with(unfitted) < a.error_with(factors)) best = &unfitted;
    Factors kept = on_processor(a.place(), target);
    out.target_l1 = std::move(kept.l1);
    out.target_l2 = std::move(kept.l2);
  }
  Factors chosen = on_processor(a.place(), *best);
  a.subtract(*best);
  out.l1 = std::move(chosen.l1);
  out.l2 = std::move(chosen.l2);
  measure(a, out);
}

// Of codes that are quick to choose: what a device could gain goes on the way there.
std::unique_ptr<Alternation> rounds_once(Context& context, const float* w, std::int64_t rows,
                                         std::int64_t cols, const Quantizer& quantizer,
                                         const Importance& importance) {
  if (has_device_coder(quantizer)) return make_alternation(context, w, rows, cols, quantizer, importance);
  return std::make_unique<HostAlternation>(context, w, rows, cols, quantizer, importance);
}

// REQUIRES: what decompose() checks.
Decomposition decompose_with(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                             const Quantizer& quantizer, const DecomposeOptions& options,
                             const Importance& importance) {
  Decomposition out;
  const std::int64_t rank = method_traits(options.method).factors ? options.rank : 0;
  if (rank == 0) {
    const std::unique_ptr<Alternation> a = rounds_once(context, w, rows, cols, quantizer, importance);
    start(*a, out);
    context.stop.check();
    quantize_last(*a, quantizer, options, {}, out);
    measure(*a, out);
    out.iterations = 1;
    out.trace = {out.relative_weighted_error};
    return out;
  }
  const std::unique_ptr<Alternation> a = make_alternation(context, w, rows, cols, quantizer, importance);
  start(*a, out);
  a->seek(rank, options.oversampling, options.stream);
  const LqLoopOptions loop_of = loop_options(options);
  LqLoopResult loop = lq_loop(context.stop, *a, loop_of);
  out.iterations = loop.iterations;
  out.trace = std::move(loop.trace);
  int passes = kRefitPasses;
  if (tries_whole(loop_of)) {
    a->quantize({});
    if (a->weighted() < loop.squared_error) {
      loop.target = {};
      passes = kFreshPasses;
    }
  }
  fit_factors(*a, quantizer, options, loop.target, passes, out);
  return out;
}

// The target that a draft of the quantizer found, quantized by itself.
Decomposition finish(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                     const Quantizer& quantizer, const DecomposeOptions& options,
                     const Importance& importance, const Decomposition& drafted) {
  context.stop.check();
  const std::unique_ptr<Alternation> a = make_alternation(context, w, rows, cols, quantizer, importance);
  Decomposition out;
  start(*a, out);
  out.iterations = drafted.iterations;
  out.trace = drafted.trace;
  Factors target;
  if (drafted.target_l1.numel() > 0) {
    target = {options.rank, copy_to_device(a->place(), drafted.target_l1),
              copy_to_device(a->place(), drafted.target_l2)};
  }
  a->seek(options.rank, options.oversampling, options.stream);
  fit_factors(*a, quantizer, options, target, kFreshPasses, out);
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
