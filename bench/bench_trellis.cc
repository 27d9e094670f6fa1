// Trellis codes beside NormalFloat: what normal numbers lose, and how long writing, decoding and multiplying
// take, at 1 and 2 threads. Distortion is printed beside the writing time.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "backends/cpu/packed_product.h"
#include "base/rng.h"
#include "quant/format.h"

namespace {

constexpr std::int64_t kRows = 2048;
constexpr std::int64_t kCols = 2048;

std::vector<float> normals(std::int64_t count) {
  lq::ThreadPool pool(0);
  std::vector<float> v(static_cast<std::size_t>(count));
  lq::Rng(1).fill_normal(pool, v.data(), count);
  return v;
}

void encode(benchmark::State& state, const std::string& choice) {
  constexpr std::int64_t kEncodedRows = 512;
  lq::ThreadPool pool(static_cast<int>(state.range(0)));
  const auto w = normals(kEncodedRows * kCols);
  const auto quantizer = lq::make_quantizer(lq::parse_choice(choice, "bench"));
  std::vector<float> q(w.size());
  for (auto _ : state) quantizer->round_trip(pool, w.data(), kEncodedRows, kCols, q.data());
  state.SetItemsProcessed(state.iterations() * kEncodedRows * kCols);
  double error = 0.0;
  double square = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    error += std::pow(double{w[i]} - q[i], 2);
    square += std::pow(double{w[i]}, 2);
  }
  state.counters["distortion"] = error / square;
  state.counters["bits"] = quantizer->bits_per_weight();
}

// Any weights will do: decoding does not ask what they are.
lq::PackedMatrix packed(lq::ThreadPool& pool, const std::string& choice) {
  const lq::QuantChoice parsed = lq::parse_choice(choice, "bench");
  if (parsed.format != "tcq") {
    return lq::make_quantizer(parsed)->pack(pool, normals(kRows * kCols).data(), kRows, kCols);
  }
  const lq::QuantFormat& format = lq::quant_format(parsed.format, "bench");
  auto bytes = std::make_shared<std::vector<std::vector<std::uint8_t>>>();
  for (const lq::TensorSpec& part : format.parts(parsed.parameters, kRows, kCols, "bench")) {
    std::vector<std::uint8_t> of(part.bytes());
    if (part.dtype == lq::DType::kU8) {
      for (std::size_t i = 0; i < of.size(); ++i) of[i] = static_cast<std::uint8_t>(i * 2654435761U >> 24);
    }
    bytes->push_back(std::move(of));
  }
  const std::vector<std::span<const std::uint8_t>> parts(bytes->begin(), bytes->end());
  return format.open(parsed.parameters, kRows, kCols, parts, "bench", bytes);
}

void decode(benchmark::State& state, const std::string& choice) {
  lq::ThreadPool pool(static_cast<int>(state.range(0)));
  const lq::PackedMatrix matrix = packed(pool, choice);
  std::vector<float> out(kRows * kCols);
  for (auto _ : state) {
    matrix.dequantize(pool, out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows * kCols);
}

// Panels that stay in the caches, as products decode them.
void decode_panel(benchmark::State& state, const std::string& choice) {
  lq::ThreadPool pool(static_cast<int>(state.range(0)));
  const lq::PackedMatrix matrix = packed(pool, choice);
  constexpr std::int64_t kPanel = 32 * kCols;
  std::vector<float> out(kPanel);
  for (auto _ : state) {
    for (std::int64_t at = 0; at < kRows * kCols; at += kPanel) {
      lq::backends::packed_decode(pool, matrix.view(), at, kPanel, out.data());
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows * kCols);
}

// One token's product, 8-bit activations where the layout has them.
void token(benchmark::State& state, const std::string& choice) {
  lq::ThreadPool pool(static_cast<int>(state.range(0)));
  const lq::PackedMatrix matrix = packed(pool, choice);
  const auto x = normals(kCols);
  std::vector<float> y(kRows);
  const std::int64_t needed = lq::backends::packed_few_scratch(matrix.view(), 1);
  std::vector<float> scratch(static_cast<std::size_t>(needed) + 16);
  void* at = scratch.data();
  std::size_t room = 4 * scratch.size();
  std::align(64, 4 * static_cast<std::size_t>(needed), at, room);
  for (auto _ : state) {
    lq::backends::packed_few(pool, matrix.view(), x.data(), 1, y.data(), static_cast<float*>(at), true);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows * kCols);
}

void one_and_two(benchmark::internal::Benchmark* b) {
  b->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::string choice : {"tcq,2", "tcq,3", "tcq,4", "tcq,2,10", "tcq,2,16", "lm,2", "nf,4"}) {
    benchmark::RegisterBenchmark(("encode/" + choice).c_str(), encode, choice)->Apply(one_and_two);
  }
  for (const std::string choice : {"tcq,2", "tcq,3", "tcq,4", "nf,2", "nf,4"}) {
    benchmark::RegisterBenchmark(("decode/" + choice).c_str(), decode, choice)->Apply(one_and_two);
    benchmark::RegisterBenchmark(("decode_panel/" + choice).c_str(), decode_panel, choice)
        ->Apply(one_and_two);
    benchmark::RegisterBenchmark(("token/" + choice).c_str(), token, choice)->Apply(one_and_two);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
