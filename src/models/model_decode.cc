// Passes over the next tokens of sequences whose keys and values are cached.
#include <algorithm>

#include "models/model.h"
#include "models/model_state.h"
#include "ops/cross_entropy.h"
#include "ops/repeat.h"

namespace lq {
namespace {

RepeatedWork::Input floats(const std::vector<float>& values) {
  return {values.data(), values.size() * sizeof(float)};
}

// Whether each sequence goes on by one token, so that the next pass is the same but for numbers in memory.
bool by_one(const SequencePlan& plan) {
  const auto small = [](const RopeTable& table) { return table.on_device == nullptr; };
  return small(plan.rope) && small(plan.local_rope) &&
         std::ranges::all_of(plan.segments, [](const AttentionSegment& s) { return s.q_count == 1; });
}

}  // namespace

bool Model::State::has(std::span<const std::int32_t> ids, std::span<const std::int32_t> targets) const {
  return std::ranges::all_of(ids, [&](std::int32_t id) { return id >= 0 && id < spec.vocab; }) &&
         std::ranges::all_of(
             targets, [&](std::int32_t id) { return id == kIgnoreTarget || (id >= 0 && id < spec.vocab); });
}

void Model::extend(Context& ctx, Workspace& ws, KvCache& cache, std::span<const std::int32_t> ids, Matrix x,
                   std::int64_t whole) const {
  LQ_CHECK(!ids.empty(), kInvalidArgument, "[model] there is no token to decode");
  KvCache* const caches[] = {&cache};
  const std::int64_t starts[] = {0, std::ssize(ids)};
  pass_cached(ctx, ws, caches, {ids, starts}, x, {}, whole);
}

void Model::extend(Context& ctx, Workspace& ws, std::span<KvCache* const> caches, const TokenBatch& batch,
                   Matrix x) const {
  pass_cached(ctx, ws, caches, batch, x, {}, 0);
}

void Model::decode(Context& ctx, Workspace& ws, KvCache& cache, std::span<const std::int32_t> ids,
                   Matrix logits, std::int64_t whole) const {
  const ModelSpec& c = state_->spec;
  check_shape("decode logits", logits, 1, c.vocab);
  LQ_CHECK(!ids.empty(), kInvalidArgument, "[model] there is no token to decode");
  Scratch scratch(ws);
  const Matrix x = scratch.matrix(std::ssize(ids), c.hidden);
  KvCache* const caches[] = {&cache};
  const std::int64_t starts[] = {0, std::ssize(ids)};
  pass_cached(ctx, ws, caches, {ids, starts}, x, logits, whole);
}

void Model::pass_cached(Context& ctx, Workspace& ws, std::span<KvCache* const> caches,
                        const TokenBatch& batch, Matrix x, Matrix logits, std::int64_t whole) const {
  const ModelSpec& c = state_->spec;
  batch.check();
  LQ_CHECK(caches.size() + 1 == batch.starts.size(), kInvalidArgument, "[model] {} caches for {} sequences",
           caches.size(), batch.starts.size() - 1);
  check_shape("extend x", x, batch.tokens(), c.hidden);
  SequencePlan p;
  p.tokens = batch.tokens();
  p.positions = positions_of(batch);
  std::int64_t longest = whole;
  for (std::size_t i = 0; i < caches.size(); ++i) {
    const std::int64_t begin = batch.starts[i];
    const std::int64_t count = batch.starts[i + 1] - begin;
    const std::int64_t length = caches[i]->length();
    caches[i]->reserve(ctx, count);
    p.segments.push_back({begin, count, 0, length + count});
    p.alone.push_back({0, count, 0, length + count});
    longest = std::max(longest, length + count);
    for (std::int64_t t = begin; t < begin + count; ++t)
      p.positions[static_cast<std::size_t>(t)] += static_cast<std::int32_t>(length);
  }
  state_->set_ropes(ctx, longest, p);
  const auto pass = [&] {
    embed(ctx, p, batch.ids, x);
    for (std::int64_t layer = 0; layer < c.layers(); ++layer) {
      ctx.stop.check();
      block(layer).forward_cached(ctx, ws, p, caches, layer, x);
    }
    if (logits.data != nullptr) head().logits(ctx, ws, x.slice(x.rows - 1, 1), logits);
  };
  // A graph looks at no id: what an op would refuse is not left to it.
  if (ctx.device.is_cpu() || !by_one(p) || !state_->has(batch.ids, {})) {
    pass();
  } else {
    Scratch here(ws);
    RepeatedWork what;
    what.key = {
        key_of(Repeated::kCachedPass),  key_of(state_.get()), state_->changes,    key_of(ctx), key_of(&ws),
        key_of(here.matrix(1, 1).data), key_of(x.data),       key_of(logits.data)};
    for (KvCache* const cache : caches) what.key.push_back(key_of(cache->keys(0, 0).data));
    what.inputs = {{batch.ids.data(), batch.ids.size_bytes()},
                   {p.alone.data(), p.alone.size() * sizeof(AttentionSegment)},
                   floats(p.rope.both),
                   floats(p.local_rope.both)};
    repeat(
        ctx, what, [] { return std::shared_ptr<const void>(); }, [&](const void*) { pass(); });
  }
  for (std::size_t i = 0; i < caches.size(); ++i) caches[i]->advance(p.segments[i].q_count);
}

}  // namespace lq
