// What the coarser products of decoding (DecodePrecision::kFast) change: a text decoded token by token in
// both precisions. Prints nats a token: KL divergence of either to the dense model, and of fast to fine.
//   bench_decode_kl PACKED DENSE TEXT [TOKENS]
// From the repository's root:
//   build/lqlora quantize examples/models/quill --nf 4 --method qlora -o quill_nf4
//   build/bench_decode_kl quill_nf4 examples/models/quill examples/texts/held_out.txt
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <vector>

#include "data/document_reader.h"
#include "models/model.h"
#include "tokenizers/tokenizer.h"

namespace {

using namespace lq;

// log p of every token after each of ids, decoded one by one: [ids, vocab].
std::vector<std::vector<double>> decoded(Context ctx, const Model& model, std::span<const std::int32_t> ids,
                                         DecodePrecision precision) {
  ctx.decode_precision = precision;
  Workspace ws;
  KvCache cache = model.make_cache(std::ssize(ids));
  std::vector<std::vector<double>> all;
  Tensor logits = Tensor::empty(DType::kF32, {1, model.spec().vocab});
  for (std::size_t t = 0; t < ids.size(); ++t) {
    model.decode(ctx, ws, cache, ids.subspan(t, 1), matrix_of(logits));
    const std::span<const float> row(logits.data<float>(), static_cast<std::size_t>(logits.numel()));
    const double top = *std::ranges::max_element(row);
    double sum = 0.0;
    for (const float x : row) sum += std::exp(x - top);
    std::vector<double> log_p;
    log_p.reserve(row.size());
    for (const float x : row) log_p.push_back(x - top - std::log(sum));
    all.push_back(std::move(log_p));
  }
  return all;
}

double mean_kl(const std::vector<std::vector<double>>& of, const std::vector<std::vector<double>>& to) {
  double sum = 0.0;
  for (std::size_t t = 0; t < of.size(); ++t) {
    for (std::size_t i = 0; i < of[t].size(); ++i) sum += std::exp(of[t][i]) * (of[t][i] - to[t][i]);
  }
  return sum / static_cast<double>(of.size());
}

void run(const char* packed, const char* dense_directory, const char* text, std::int64_t tokens) {
  ThreadPool pool(0);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const Model model = Model::load(ctx, packed);
  const Model dense = Model::load(ctx, dense_directory);
  std::vector<std::int32_t> ids =
      Tokenizer::load(dense_directory)->encode(read_documents(text).front().text, true);
  const std::int64_t fit = std::min({tokens, std::ssize(ids), model.spec().max_positions});
  ids.resize(static_cast<std::size_t>(fit));
  const auto want = decoded(ctx, dense, ids, DecodePrecision::kFine);
  const auto fine = decoded(ctx, model, ids, DecodePrecision::kFine);
  const auto fast = decoded(ctx, model, ids, DecodePrecision::kFast);
  fmt::print("{} tokens: KL to dense, fine {:.6f}, fast {:.6f}; fast to fine {:.6f}\n", ids.size(),
             mean_kl(want, fine), mean_kl(want, fast), mean_kl(fine, fast));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "bench_decode_kl PACKED DENSE TEXT [TOKENS]\n");
    return 2;
  }
  try {
    run(argv[1], argv[2], argv[3], argc > 4 ? std::atol(argv[4]) : 1024);
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_decode_kl: {}\n", e.what());
    return 1;
  }
  return 0;
}
