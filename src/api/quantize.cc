#include "lqlora/quantize.h"

#include <algorithm>
#include <cmath>

#include "api/checkpoint_impl.h"
#include "api/context_impl.h"
#include "base/option_error.h"
#include "decompose/decompose.h"
#include "files/path_access.h"
#include "jobs/options/quantize_options.h"
#include "quant/format_set.h"

namespace lqlora {

struct Quantizer::Impl {
  std::unique_ptr<lq::Quantizer> quantizer;
};

namespace {

// The caller's, as decompositions see it.
class OwnQuantizer final : public lq::Quantizer {
 public:
  explicit OwnQuantizer(const lqlora::Quantizer& own) : own_(own) {}
  void round_trip(lq::ThreadPool&, const float* w, std::int64_t rows, std::int64_t cols,
                  float* q) const override {
    const auto size = static_cast<std::size_t>(rows * cols);
    own_.round_trip({w, size}, rows, cols, {q, size});
    // As large as a matrix may be; of NaN nothing is true.
    const bool good = std::all_of(q, q + size, [](float x) { return std::abs(x) <= 1e15F; });
    LQ_CHECK(good, kInvalidArgument,
             "[quantize] quantizer {}: round_trip() gave a number that is not finite, or above 1e15", name());
  }
  double bits_per_weight() const override { return own_.bits_per_weight(); }
  std::string name() const override { return own_.name(); }

 private:
  const lqlora::Quantizer& own_;
};

// One of the library, in the caller's hands.
class BuiltInQuantizer final : public Quantizer {
 public:
  explicit BuiltInQuantizer(const lq::QuantChoice& choice)
      : inner_{lq::make_quantizer(choice)}, name_(choice.name()) {}
  void round_trip(std::span<const float> w, std::int64_t rows, std::int64_t cols,
                  std::span<float> q) const override {
    check_size(w.size(), rows, cols);
    check_size(q.size(), rows, cols);
    lq::ThreadPool pool(1);
    lq::require_finite(pool, w.data(), rows, cols, "matrix");
    inner_.quantizer->round_trip(pool, w.data(), rows, cols, q.data());
  }
  double bits_per_weight() const override { return inner_.quantizer->bits_per_weight(); }
  std::string name() const override { return name_; }
  const Impl* impl() const override { return &inner_; }

  static void check_size(std::size_t size, std::int64_t rows, std::int64_t cols) {
    LQ_CHECK(rows > 0 && cols > 0 && rows <= (std::int64_t{1} << 62) / cols &&
                 size == static_cast<std::size_t>(rows * cols),
             kInvalidArgument, "[quantize] {} numbers, but a matrix [{}, {}] was named", size, rows, cols);
  }

 private:
  Impl inner_;
  std::string name_;
};

std::vector<float> floats(const lq::Tensor& t) {
  if (t.numel() == 0) return {};
  return {t.data<float>(), t.data<float>() + t.numel()};
}

lq::QuantizeOptions job_options(const std::filesystem::path& out, const QuantizeOptions& o) {
  lq::check_option(o.bits >= 0 && std::isfinite(o.bits), "bits", "is {}, but must be 0 or more", o.bits);
  lq::check_option(o.memory >= 0, "memory", "is {}, but must be 0 or more", o.memory);
  lq::check_option(o.samples > 0, "samples", "is {}, but must be 1 or more", o.samples);
  lq::check_option(o.seq_len >= 0, "seq_len", "is {}, but must be 0 or more", o.seq_len);
  lq::check_option(o.self >= 0, "self", "is {}, but must be 0 or more", o.self);
  lq::check_option(o.rank >= 0, "rank", "is {}, but must be 0 or more", o.rank);
  lq::QuantizeOptions job;
  lq::QuantizeChoices open;
  job.out = out;
  job.selection = {o.include, o.exclude};
  job.budget.bits = o.bits;
  job.budget.memory = o.memory;
  job.decompose.method = lq::parse_decompose_method(o.method);
  job.decompose.rank = o.rank;
  job.calibration = {
      .stats = o.stats, .data = o.data, .self = o.self, .samples = o.samples, .seq_len = o.seq_len};
  job.overwrite = o.overwrite;
  open.config = o.config;
  if (!o.importance.empty()) open.method.importance = lq::parse_importance(o.importance);
  if (!o.formats.empty()) open.method.formats = lq::FormatSet::parse(o.formats, "formats").names();
  lq::settle(job, open);
  return job;
}

}  // namespace

std::unique_ptr<Quantizer> make_quantizer(std::string_view config) {
  return std::make_unique<BuiltInQuantizer>(lq::FormatSet().choice_of(config, "config"));
}

Decomposition decompose(Context& context, std::span<const float> w, std::int64_t rows, std::int64_t cols,
                        const Quantizer& quantizer, const DecomposeOptions& options) {
  lq::Context& ctx = context.impl().context;
  BuiltInQuantizer::check_size(w.size(), rows, cols);
  lq::require_finite(ctx.pool, w.data(), rows, cols, "matrix");
  lq::DecomposeOptions inner;
  inner.method = lq::parse_decompose_method(options.method);
  LQ_CHECK(options.rank >= 0, kInvalidArgument, "rank {}: expected 0 or more", options.rank);
  LQ_CHECK(options.max_iterations >= 0, kInvalidArgument, "max_iterations {}: expected 0 or more",
           options.max_iterations);
  inner.rank = options.rank;
  inner.max_iterations = options.max_iterations;
  const OwnQuantizer own(quantizer);
  // A quantizer of the library is taken as it is, and gets the context's threads.
  const lq::Quantizer& q =
      quantizer.impl() != nullptr ? *quantizer.impl()->quantizer : static_cast<const lq::Quantizer&>(own);
  const lq::Decomposition d = lq::decompose(ctx, w.data(), rows, cols, q, inner);
  Decomposition result;
  result.q.resize(w.size());
  lq::decomposition_target(ctx, w.data(), rows, cols, d, result.q.data());
  q.round_trip(ctx.pool, result.q.data(), rows, cols, result.q.data());
  result.l1 = floats(d.l1);
  result.l2 = floats(d.l2);
  result.relative_error = d.relative_error;
  result.iterations = d.iterations;
  return result;
}

QuantizeReport quantize(Context& context, const Checkpoint& model, const std::filesystem::path& out,
                        const QuantizeOptions& options) {
  lq::check_readable(options.stats);
  const lq::QuantizeOptions job = job_options(out, options);
  const lq::QuantizeReport r = lq::with_io_errors(
      [&] { return lq::quantize_model(context.impl().context, model.impl().checkpoint, job); });
  QuantizeReport report;
  for (const lq::MatrixReport& m : r.matrices) {
    // The report leaves out names that the job's own formats make plain; make_quantizer takes
    // a choice without a name as NormalFloat's.
    const std::string config = lq::FormatSet().name_of(job.formats.choice_of(m.choice, "config"));
    report.matrices.push_back({m.name, m.rows, m.cols, config, m.rank, m.relative_error});
  }
  report.bits_per_weight = r.bits_per_weight();
  report.bits_per_weight_with_low_rank = r.bits_per_weight_with_low_rank();
  report.relative_error = r.relative_error();
  report.seconds = r.seconds;
  report.already_done = r.already_done;
  return report;
}

}  // namespace lqlora
