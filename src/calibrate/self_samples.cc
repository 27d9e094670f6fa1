#include "calibrate/self_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/process.h"
#include "base/rng.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

constexpr std::int64_t kMostTogether = 32;
constexpr std::int64_t kCacheBytes = std::int64_t{1} << 30;

// The token at which the sum of the probabilities, in the order of the ids, passes u. Throws
// Error(kInvalidArgument) where the logits have no distribution.
std::int32_t token_at(std::span<const float> logits, double u, std::int64_t sequence, std::int64_t position) {
  const double peak = *std::max_element(logits.begin(), logits.end());
  std::vector<double> weights(logits.size());
  double total = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i) total += weights[i] = std::exp(double{logits[i]} - peak);
  LQ_CHECK(std::isfinite(total), kInvalidArgument,
           "[calibrate] self: the model's logits for token {} of sequence {} are not finite", position,
           sequence);
  double left = u * total;
  std::size_t last = 0;  // of those that are possible
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0.0) continue;
    last = i;
    left -= weights[i];
    if (left < 0.0) break;
  }
  return static_cast<std::int32_t>(last);
}

// Sequences [first, first + count), token by token.
class SelfBatch {
 public:
  SelfBatch(Context& ctx, const Model& model, const SelfSampling& sampling, std::int64_t first,
            std::int64_t count)
      : ctx_(ctx),
        model_(model),
        sampling_(sampling),
        rng_(ctx.seed, stream_of("calibrate self")),
        first_(first),
        workspace_(model.device(), empty_tensor) {
    for (std::int64_t i = 0; i < count; ++i) caches_.push_back(model.make_cache(sampling.seq_len));
    for (std::int64_t i = 0; i <= count; ++i) starts_.push_back(i);
    for (KvCache& cache : caches_) {
      cache.reserve(ctx, sampling.seq_len);
      pointers_.push_back(&cache);
    }
  }

  // Seconds that one step takes: the fastest of three, the first of which also touches all memory.
  double time_a_step() {
    const std::vector<std::int32_t> ids = first_tokens();
    double seconds = 0.0;
    for (int i = 0; i < 3; ++i) {
      const double begin = monotonic_seconds();
      step(ids, 1);
      const double took = monotonic_seconds() - begin;
      seconds = i == 0 ? took : std::min(seconds, took);
      for (KvCache& cache : caches_) cache.truncate(0);
    }
    return seconds;
  }

  // The batch's ids, sequence by sequence. done: tokens before these, for ctx.progress.
  std::vector<std::int32_t> run(std::int64_t done) {
    const std::int64_t count = std::ssize(caches_);
    std::vector<std::int32_t> ids(static_cast<std::size_t>(count * sampling_.seq_len));
    std::vector<std::int32_t> now = first_tokens();
    for (std::int64_t t = 0;; ++t) {
      for (std::int64_t i = 0; i < count; ++i)
        ids[static_cast<std::size_t>(i * sampling_.seq_len + t)] = now[static_cast<std::size_t>(i)];
      ctx_.progress.update(done + count * (t + 1), "");
      if (t + 1 == sampling_.seq_len) return ids;
      now = step(now, t + 1);
    }
  }

 private:
  double number(std::int64_t i, std::int64_t position) const {
    return rng_.uniform(static_cast<std::uint64_t>((first_ + i) * sampling_.seq_len + position));
  }

  std::vector<std::int32_t> first_tokens() const {
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < std::ssize(caches_); ++i) {
      const auto vocab = static_cast<double>(model_.spec().vocab);
      ids.push_back(sampling_.first.value_or(static_cast<std::int32_t>(number(i, 0) * vocab)));
    }
    return ids;
  }

  // What follows `ids`, at `position` of the sequences.
  std::vector<std::int32_t> step(std::span<const std::int32_t> ids, std::int64_t position) {
    const std::int64_t count = std::ssize(ids);
    Scratch scratch(workspace_);
    const Matrix x = scratch.matrix(count, model_.spec().hidden);
    const Matrix logits = scratch.matrix(count, model_.spec().vocab);
    model_.extend(ctx_, workspace_, pointers_, {ids, starts_}, x);
    model_.head().logits(ctx_, workspace_, x, logits);
    std::vector<float> copied;
    const std::span<const float> all = on_host(ctx_, logits.flat(), copied);
    std::vector<std::int32_t> next(ids.size());
    ctx_.pool.run(count, [&](std::int64_t i) {
      const auto cols = static_cast<std::size_t>(logits.cols);
      const std::span<const float> row = all.subspan(static_cast<std::size_t>(i) * cols, cols);
      next[static_cast<std::size_t>(i)] = token_at(row, number(i, position), first_ + i, position);
    });
    return next;
  }

  Context& ctx_;
  const Model& model_;
  const SelfSampling& sampling_;
  Rng rng_;
  std::int64_t first_;
  std::vector<KvCache> caches_;
  std::vector<KvCache*> pointers_;
  std::vector<std::int64_t> starts_;
  Workspace workspace_;
};

}  // namespace

SelfSampling plan_self_sampling(const Model& model, const Tokenizer& tokenizer, std::int64_t sequences,
                                std::int64_t seq_len) {
  const ModelSpec& c = model.spec();
  SelfSampling s;
  s.sequences = sequences;
  s.seq_len = seq_len;
  s.first = tokenizer.bos_id();
  if (!s.first && c.bos >= 0) s.first = static_cast<std::int32_t>(c.bos);
  const std::int64_t cache =
      2 * c.layers() * seq_len * c.kv_width() * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t limit = std::max(kCacheBytes, model.memory_estimate(1, false).weights / 2);
  const std::int64_t most = std::clamp<std::int64_t>(limit / cache, 1, kMostTogether);
  const std::int64_t batches = (sequences + most - 1) / most;
  s.together = (sequences + batches - 1) / batches;
  const std::int64_t logits = static_cast<std::int64_t>(sizeof(float) + sizeof(double)) * c.vocab;
  s.memory_bytes = s.together * (cache + logits) + model.memory_estimate(s.together, false).scratch;
  return s;
}

std::vector<std::int32_t> self_samples(Context& ctx, const Model& model, const SelfSampling& s,
                                       const WorkStore& store) {
  std::vector<std::int32_t> all;
  bool timed = false;
  ctx.progress.begin("sample", s.tokens(), "tokens");
  for (std::int64_t first = 0; first < s.sequences; first += s.together) {
    const std::int64_t count = std::min(s.together, s.sequences - first);
    const std::string name = fmt::format("samples.{}", first);
    std::vector<std::int32_t> ids;
    if (const auto item = store.get(name)) {
      ids = item->info.at("ids").get<std::vector<std::int32_t>>();
    } else {
      SelfBatch batch(ctx, model, s, first, count);
      if (!std::exchange(timed, true)) {
        const std::int64_t left = s.batches() - first / s.together;
        ctx.progress.note(
            fmt::format("calibrate: sampling takes about {}",
                        human_seconds(batch.time_a_step() * static_cast<double>(left * (s.seq_len - 1)))));
      }
      ids = batch.run(first * s.seq_len);
      store.put(name, {}, {{"ids", ids}});
    }
    all.insert(all.end(), ids.begin(), ids.end());
  }
  ctx.progress.end();
  return all;
}

}  // namespace lq
