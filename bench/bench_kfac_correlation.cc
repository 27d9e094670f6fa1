// Does the K-FAC estimate 1/2 tr(G E R E^T) order errors as the loss does? Rounds one matrix at a time to 2,
// 3 and 4 bits (NormalFloat, QLoRA's scales, no low-rank part) and compares estimates with what the model
// then does on text that the statistics were not gathered from. Prints Spearman's rank correlation with the
// KL divergence to the model as it was, a line for each width and one over all; with CSV also every case.
//   bench_kfac_correlation [MODEL [STATS [HELD_OUT_TEXT [CSV]]]]
// STATS: made by lqlora calibrate, with Fisher, input and gradient moments. From the repository's root:
//   build/lqlora calibrate examples/models/quill --data examples/texts/calibration.txt -o quill.stats
//   build/bench_kfac_correlation examples/models/quill quill.stats examples/texts/held_out.txt
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "backends/cpu/gemm.h"
#include "calibrate/calibration_stats.h"
#include "data/document_reader.h"
#include "eval/perplexity.h"
#include "models/model.h"
#include "quant/codebook/codebook_quantizer.h"
#include "tokenizers/tokenizer.h"

namespace {

using namespace lq;

// What was lost in one case: measured, and by each estimate.
struct Case {
  std::string name;
  int bits = 0;
  double kl = 0.0;       // nats a token, measured
  double nll = 0.0;      // its rise, measured: may be negative, the text being short
  double squared = 0.0;  // ||E||^2
  double fisher = 0.0;   // 1/2 sum F E^2, F from its row and column means
  double kfac = 0.0;     // 1/2 tr(G E R E^T)
};

// Each value's place in the order, the mean of their places for equal ones.
std::vector<double> places(const std::vector<double>& v) {
  std::vector<double> r(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    const auto below = std::ranges::count_if(v, [&](double x) { return x < v[i]; });
    const auto equal = std::ranges::count(v, v[i]);
    r[i] = static_cast<double>(below) + 0.5 * static_cast<double>(equal - 1);
  }
  return r;
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> x = places(a);
  const std::vector<double> y = places(b);
  const double middle = 0.5 * static_cast<double>(x.size() - 1);
  double xy = 0.0;
  double xx = 0.0;
  double yy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xy / std::sqrt(xx * yy);
}

void print(const std::string& what, const std::vector<Case>& cases) {
  const auto column = [&](double Case::*c) {
    std::vector<double> v;
    for (const Case& r : cases) v.push_back(r.*c);
    return v;
  };
  const std::vector<double> kl = column(&Case::kl);
  double log_ratio = 0.0;
  for (const Case& r : cases) log_ratio += std::log(r.kfac / r.kl) / static_cast<double>(cases.size());
  fmt::print(
      "{:6} {:4} cases: |E|^2 {:.3f}, Fisher {:.3f}, K-FAC {:.3f} (with the NLL's rise: {:.3f}); "
      "K-FAC / KL {:.2f} (geometric mean)\n",
      what, cases.size(), spearman(column(&Case::squared), kl), spearman(column(&Case::fisher), kl),
      spearman(column(&Case::kfac), kl), spearman(column(&Case::kfac), column(&Case::nll)),
      std::exp(log_ratio));
}

// The statistics of one linear, and what they say of an error.
struct Estimator {
  std::int64_t rows, cols;
  std::vector<float> r, g;
  std::vector<double> by_row, by_col;
  double mean;

  Estimator(const CalibrationStats& stats, const Linear& linear)
      : rows(linear.out()),
        cols(linear.in()),
        r(stats.input_moment(linear.name())),
        g(stats.output_grad_moment(linear.name())),
        by_row(stats.fisher_rows(linear.name())),
        by_col(stats.fisher_cols(linear.name())),
        mean(std::accumulate(by_row.begin(), by_row.end(), 0.0) / static_cast<double>(rows)) {}

  // e: [rows, cols].
  void estimate(ThreadPool& pool, const std::vector<float>& e, Case& out) const {
    std::vector<float> er(e.size());
    std::vector<float> ge(e.size());
    backends::gemm(pool, rows, cols, cols, e.data(), cols, r.data(), cols, er.data(), cols);
    backends::gemm(pool, rows, cols, rows, g.data(), rows, e.data(), cols, ge.data(), cols);
    for (std::size_t i = 0; i < e.size(); ++i) {
      const double square = double{e[i]} * double{e[i]};
      out.squared += square;
      out.fisher += 0.5 * square * by_row[i / static_cast<std::size_t>(cols)] *
                    by_col[i % static_cast<std::size_t>(cols)] / mean;
      out.kfac += 0.5 * double{er[i]} * double{ge[i]};
    }
  }
};

// Every linear of the model at every width.
std::vector<Case> measure(Context& ctx, const std::filesystem::path& directory, const CalibrationStats& stats,
                          const std::filesystem::path& held_out) {
  const Model dense = Model::load(ctx, directory);
  Model model = Model::load(ctx, directory);
  const auto tokenizer = Tokenizer::load(directory);
  const std::string text = read_documents(held_out).front().text;
  PerplexityOptions options;
  options.reference = &dense;
  const double nll = perplexity(ctx, model, *tokenizer, text, options).nll_per_token;
  std::vector<Case> cases;
  for (const Module& module : model.modules()) {
    if (!module.in_block()) continue;
    Linear* const linear = module.linear;
    Parameter& w = *linear->weight().parameter();
    w.make_trainable();  // an f32 copy of its own
    const Estimator estimator(stats, *linear);
    const std::vector<float> original(w.values().begin(), w.values().end());
    for (const int bits : {2, 3, 4}) {
      float* q = w.value.mutable_data<float>();
      CodebookQuantizer(uniform_codebook_config(bits))
          .quantize(ctx.pool, original.data(), estimator.rows, estimator.cols)
          .dequantize(ctx.pool, q);
      std::vector<float> e(original.size());
      for (std::size_t i = 0; i < e.size(); ++i) e[i] = original[i] - q[i];
      Case c{.name = linear->name(), .bits = bits};
      estimator.estimate(ctx.pool, e, c);
      const PerplexityResult result = perplexity(ctx, model, *tokenizer, text, options);
      c.kl = *result.kl;
      c.nll = result.nll_per_token - nll;
      cases.push_back(c);
    }
    std::ranges::copy(original, w.value.mutable_data<float>());
  }
  return cases;
}

int run(int argc, char** argv) {
  const std::filesystem::path directory = argc > 1 ? argv[1] : "examples/models/quill";
  const std::filesystem::path stats = argc > 2 ? argv[2] : "quill.stats";
  const std::filesystem::path held_out = argc > 3 ? argv[3] : "examples/texts/held_out.txt";
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const std::vector<Case> cases = measure(ctx, directory, CalibrationStats::open(stats), held_out);
  std::map<int, std::vector<Case>> by_bits;
  for (const Case& c : cases) by_bits[c.bits].push_back(c);
  for (const auto& [bits, some] : by_bits) print(fmt::format("{} bits", bits), some);
  print("all", cases);
  if (argc <= 4) return 0;
  std::ofstream csv(argv[4]);
  fmt::print(csv, "matrix,bits,kl,nll_rise,squared,fisher,kfac\n");
  for (const Case& c : cases) {
    fmt::print(csv, "{},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n", c.name, c.bits, c.kl, c.nll, c.squared,
               c.fisher, c.kfac);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_kfac_correlation: {}\n", e.what());
    return 1;
  }
}
