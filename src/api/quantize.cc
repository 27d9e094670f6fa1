#include "lqlora/quantize.h"

#include "api/checkpoint_impl.h"
#include "api/context_impl.h"
#include "base/error.h"
#include "decompose/decompose.h"
#include "jobs/quantize_defaults.h"
#include "jobs/quantize_model.h"
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
  lq::QuantizeOptions job;
  job.out = out;
  job.selection = {o.include, o.exclude};
  LQ_CHECK(o.bits >= 0 && o.memory >= 0, kInvalidArgument, "bits {} and memory {}: expected 0 or more",
           o.bits, o.memory);
  LQ_CHECK(o.samples > 0 && o.seq_len >= 0, kInvalidArgument, "samples {} and seq_len {} should be positive",
           o.samples, o.seq_len);
  job.budget.bits = o.bits;
  job.budget.memory = o.memory;
  const bool budget = job.budget.given();
  LQ_CHECK(!budget || o.config.empty(), kInvalidArgument,
           "config makes every matrix the same; bits and memory choose for each: give one or the other");
  job.decompose.method = lq::parse_decompose_method(o.method);
  const bool factors = lq::method_traits(job.decompose.method).factors;
  LQ_CHECK(o.rank >= 0, kInvalidArgument, "rank {}: expected 0 or more", o.rank);
  job.decompose.rank = factors ? o.rank : 0;

  lq::MethodChoices choices;
  choices.method = job.decompose.method;
  choices.uniform = !budget;
  choices.has_statistics = !o.data.empty() || !o.stats.empty();
  if (!o.importance.empty()) choices.weights = lq::parse_weights(o.importance);
  if (!o.formats.empty()) choices.formats = lq::FormatSet::parse(o.formats, "formats").names();
  const lq::QuantChoice choice =
      o.config.empty() ? lq::QuantChoice{} : lq::FormatSet().choice_of(o.config, "config");
  const bool named = o.config.find(choice.format) == 0;
  if (!o.config.empty() && choices.formats.empty() && named) choices.formats = {choice.format};
  const lq::MethodSettings settings = lq::settle(choices);
  job.weights = settings.weights;
  job.formats = settings.formats;
  job.quantizer = settings.quantizer;
  job.choice = o.config.empty() ? job.formats.uniform(4) : job.formats.choice_of(o.config, "config");
  LQ_CHECK(job.formats.contains(job.choice.format), kInvalidArgument,
           "config {} is of format {}, but formats are {}", o.config, job.choice.format, job.formats.text());
  job.calibration = {.stats = o.stats, .data = o.data, .samples = o.samples, .seq_len = o.seq_len};
  job.overwrite = o.overwrite;
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
  const lq::QuantizeReport r =
      lq::quantize_model(context.impl().context, model.impl().checkpoint, job_options(out, options));
  QuantizeReport report;
  for (const lq::MatrixReport& m : r.matrices) {
    report.matrices.push_back({m.name, m.rows, m.cols, m.choice, m.rank, m.relative_error});
  }
  report.bits_per_weight = r.bits_per_weight();
  report.bits_per_weight_with_low_rank = r.bits_per_weight_with_low_rank();
  report.relative_error = r.relative_error();
  report.seconds = r.seconds;
  report.already_done = r.already_done;
  return report;
}

}  // namespace lqlora
