// Decomposition of one matrix, W ~ Q + L1 L2. The matrix is raw little-endian f32 from the file that
// LQ_BENCH_MATRIX names, with LQ_BENCH_ROWS rows; otherwise 2048 x 2048 of Student's t (6 degrees of freedom)
// x 0.02. LQ_BENCH_TARGET: a relative error at which to stop (a peer's), for the time to it.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "decompose/decompose.h"
#include "quant/codebook/codebook_quantizer.h"

namespace lq {
namespace {

struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<float> values;
};

Matrix student_t(std::int64_t n) {
  Matrix m{n, n, std::vector<float>(static_cast<std::size_t>(n * n))};
  ThreadPool pool(2);
  std::vector<float> normals(m.values.size() * 7);
  Rng(0, stream_of("student-t")).fill_normal(pool, normals.data(), static_cast<std::int64_t>(normals.size()));
  for (std::size_t i = 0; i < m.values.size(); ++i) {
    float chi2 = 0.0F;
    for (std::size_t k = 1; k < 7; ++k) chi2 += normals[7 * i + k] * normals[7 * i + k];
    m.values[i] = 0.02F * normals[7 * i] / std::sqrt(chi2 / 6.0F);
  }
  return m;
}

Matrix load() {
  const char* path = std::getenv("LQ_BENCH_MATRIX");
  if (path == nullptr) return student_t(2048);
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  const auto count = static_cast<std::int64_t>(in.tellg()) / 4;
  const char* rows = std::getenv("LQ_BENCH_ROWS");
  Matrix m;
  m.rows = rows == nullptr ? static_cast<std::int64_t>(std::llround(std::sqrt(count))) : std::atoll(rows);
  m.cols = count / m.rows;
  m.values.resize(static_cast<std::size_t>(m.rows * m.cols));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(m.values.data()), static_cast<std::streamsize>(m.values.size() * 4));
  return m;
}

double env(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atof(text);
}

void run(benchmark::State& state, DecomposeMethod method) {
  const Matrix m = load();
  ThreadPool pool(static_cast<int>(env("LQ_BENCH_THREADS", 2)));
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const CodebookQuantizer quantizer(uniform_codebook_config(static_cast<int>(env("LQ_BENCH_BITS", 3))));
  DecomposeOptions options;
  options.method = method;
  options.rank = static_cast<std::int64_t>(env("LQ_BENCH_RANK", 64));
  options.target_error = env("LQ_BENCH_TARGET", 0.0);
  options.relaxation = env("LQ_BENCH_RELAXATION", options.relaxation);
  options.tolerance = env("LQ_BENCH_TOLERANCE", options.tolerance);
  options.max_iterations = static_cast<int>(env("LQ_BENCH_ITERATIONS", 0));
  Decomposition d;
  for (auto _ : state) d = decompose(context, m.values.data(), m.rows, m.cols, quantizer, options);
  state.counters["relative_error"] = d.relative_error;
  state.counters["iterations"] = static_cast<double>(d.iterations);
}

BENCHMARK_CAPTURE(run, lq, DecomposeMethod::kLq)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(run, loftq, DecomposeMethod::kLoftq)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(run, lorc, DecomposeMethod::kLorc)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(run, qlora, DecomposeMethod::kQlora)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace lq

BENCHMARK_MAIN();
