#include "eval/perplexity.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/hash.h"
#include "base/process.h"
#include "models/model_check.h"
#include "ops/cross_entropy.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

// Windows end to end, ready for the model.
struct Windows {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> starts = {0};
};

Windows cut(std::span<const std::int32_t> ids, std::int32_t bos, std::int64_t seq_len) {
  Windows w;
  const auto step = static_cast<std::size_t>(bos >= 0 ? seq_len - 1 : seq_len);
  for (std::size_t at = 0; at < ids.size(); at += step) {
    const auto part = ids.subspan(at, std::min(step, ids.size() - at));
    if (bos >= 0) w.ids.push_back(bos);
    w.ids.insert(w.ids.end(), part.begin(), part.end());
    w.starts.push_back(std::ssize(w.ids));
  }
  return w;
}

struct Sums {
  double nll = 0.0;
  double kl = 0.0;
  std::int64_t tokens = 0;
};

// Adds one batch, its losses in token order.
void add_batch(Context& ctx, Workspace& ws, const Model& model, const Model* reference,
               const TokenBatch& batch, Sums& sums) {
  Scratch scratch(ws);
  const std::int64_t n = batch.tokens();
  const std::vector<std::int32_t> targets = next_token_targets(batch);
  const Matrix x = scratch.matrix(n, model.spec().hidden);
  model.forward_hidden(ctx, ws, batch, x);
  Matrix rx;
  if (reference != nullptr) {
    rx = scratch.matrix(n, reference->spec().hidden);
    reference->forward_hidden(ctx, ws, batch, rx);
  }
  const std::int64_t step = model.head().chunk_tokens();
  for (std::int64_t begin = 0; begin < n; begin += step) {
    Scratch inner(ws);
    const std::int64_t count = std::min(step, n - begin);
    const auto want =
        std::span(targets).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    const Matrix logits = inner.matrix(count, model.spec().vocab);
    std::vector<float> losses(static_cast<std::size_t>(count));
    model.head().logits(ctx, ws, x.slice(begin, count), logits);
    cross_entropy_forward(ctx, logits, want, losses);
    std::vector<float> kl;
    if (reference != nullptr) {
      const Matrix theirs = inner.matrix(count, model.spec().vocab);
      reference->head().logits(ctx, ws, rx.slice(begin, count), theirs);
      kl.resize(static_cast<std::size_t>(count));
      kl_divergence(ctx, theirs, logits, kl);
    }
    for (std::size_t t = 0; t < want.size(); ++t) {
      if (want[t] == kIgnoreTarget) continue;
      sums.nll += losses[t];
      if (reference != nullptr) sums.kl += kl[t];
      ++sums.tokens;
    }
  }
}

std::string asked_of(std::span<const std::int32_t> ids, const std::vector<std::int64_t>& starts) {
  Hasher hasher;
  hasher.update(ids.data(), ids.size_bytes());
  hasher.update(starts.data(), starts.size() * sizeof(std::int64_t));
  return hasher.hex();
}

// The bits of doubles, so that a run that goes on ends with the same ones.
nlohmann::json to_json(const Sums& s) {
  return {std::bit_cast<std::uint64_t>(s.nll), std::bit_cast<std::uint64_t>(s.kl), s.tokens};
}

Sums sums_of(const nlohmann::json& json) {
  return {std::bit_cast<double>(json.at(0).get<std::uint64_t>()),
          std::bit_cast<double>(json.at(1).get<std::uint64_t>()), json.at(2).get<std::int64_t>()};
}

}  // namespace

PerplexityResult perplexity_of_ids(Context& ctx, const Model& model, std::span<const std::int32_t> ids,
                                   std::int32_t bos, const PerplexityOptions& options) {
  const ModelSpec& c = model.spec();
  LQ_CHECK(options.seq_len >= 2, kInvalidArgument,
           "[perplexity] windows of {} tokens predict nothing (at least 2)", options.seq_len);
  refuse_encoder(c, model.checkpoint()->path().string(), "say the next token (perplexity)");
  check_sequence_length(c, options.seq_len, "[perplexity] seq-len");
  if (options.reference != nullptr) {
    check_sequence_length(options.reference->spec(), options.seq_len,
                          "[perplexity] seq-len in the reference");
  }
  LQ_CHECK(options.reference == nullptr || options.reference->spec().vocab == c.vocab, kMismatch,
           "[perplexity] the model has {} tokens in its vocabulary, the reference {}", c.vocab,
           options.reference == nullptr ? 0 : options.reference->spec().vocab);
  const double begin_seconds = monotonic_seconds();
  const Windows w = cut(ids, bos, options.seq_len);
  const auto windows = static_cast<std::int64_t>(w.starts.size()) - 1;
  const std::int64_t predictable = std::ssize(w.ids) - windows;
  LQ_CHECK(predictable > 0, kInvalidArgument,
           "[perplexity] the text has {} tokens: none is predicted from another", ids.size());

  // Windows of other lengths would change the angles of those beside them.
  const auto by_length = [&](const Model& m) { return m.spec().turns_by_length(options.seq_len); };
  const bool alike = by_length(model) || (options.reference != nullptr && by_length(*options.reference));
  Workspace ws(ctx.device, empty_tensor);
  Sums sums;
  ctx.progress.begin("perplexity", std::ssize(w.ids), "tokens");
  for (std::size_t first = 0; first + 1 < w.starts.size();) {
    ctx.stop.check();
    std::size_t last = first + 1;  // windows [first, last)
    const auto length = [&](std::size_t i) { return w.starts[i + 1] - w.starts[i]; };
    while (last + 1 < w.starts.size() && w.starts[last + 1] - w.starts[first] <= options.batch_tokens &&
           (!alike || length(last) == length(first)))
      ++last;
    std::vector<std::int64_t> starts;
    for (std::size_t i = first; i <= last; ++i) starts.push_back(w.starts[i] - w.starts[first]);
    const auto part = std::span(w.ids).subspan(static_cast<std::size_t>(w.starts[first]),
                                               static_cast<std::size_t>(starts.back()));
    const auto key = static_cast<std::int64_t>(first);
    const std::string asked = options.store != nullptr ? asked_of(part, starts) : "";
    const nlohmann::json* kept = options.store != nullptr ? options.store->find(key, asked) : nullptr;
    if (kept != nullptr) {
      sums = sums_of(*kept);
    } else {
      add_batch(ctx, ws, model, options.reference, {part, starts}, sums);
      if (options.store != nullptr) options.store->put(key, asked, to_json(sums));
    }
    LQ_CHECK(std::isfinite(sums.nll), kInvalidArgument,
             "[perplexity] {}: the loss is {} in windows {} to {}: weights or activations are not finite",
             model.checkpoint()->path().string(), sums.nll, first, last - 1);
    ctx.progress.update(w.starts[last], "");
    first = last;
  }
  ctx.progress.end();

  PerplexityResult r;
  r.tokens = sums.tokens;
  r.nll_per_token = sums.nll / static_cast<double>(sums.tokens);
  r.perplexity = std::exp(r.nll_per_token);
  r.windows = windows;
  r.seq_len = options.seq_len;
  r.bos = bos >= 0;
  if (options.reference != nullptr) r.kl = sums.kl / static_cast<double>(sums.tokens);
  r.seconds = monotonic_seconds() - begin_seconds;
  return r;
}

PerplexityResult perplexity(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                            std::string_view text, const PerplexityOptions& options) {
  LQ_CHECK(!text.empty(), kInvalidArgument, "[perplexity] the text is empty");
  const std::vector<std::int32_t> ids = tokenizer.encode(text, false);
  const bool bos = tokenizer.special().add_bos && tokenizer.bos_id().has_value();
  PerplexityResult r = perplexity_of_ids(ctx, model, ids, bos ? *tokenizer.bos_id() : -1, options);
  r.bytes = static_cast<std::int64_t>(text.size());
  r.nll_per_byte = r.nll_per_token * static_cast<double>(r.tokens) / static_cast<double>(r.bytes);
  return r;
}

}  // namespace lq
