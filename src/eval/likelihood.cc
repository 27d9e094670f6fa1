#include "eval/likelihood.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "eval/sampler.h"
#include "ops/cross_entropy.h"

namespace lq {
namespace {

// One model with a cache of the tokens that it has seen last.
class Reader {
 public:
  Reader(const Model& model, std::int64_t capacity) : model_(model), cache_(model.make_cache(capacity)) {}

  // Output of the last block at the last `scored` of the tokens, [scored, hidden], in `scratch`, which is of
  // workspace(). `computed` grows by the tokens that passed through the model.
  Matrix read(Context& ctx, Scratch& scratch, std::span<const std::int32_t> ids, std::int64_t scored,
              std::int64_t& computed) {
    const auto shared = std::ranges::mismatch(ids, seen_).in1 - ids.begin();  // the cache holds these already
    const std::int64_t from = std::min<std::int64_t>(shared, std::ssize(ids) - scored);
    cache_.truncate(from);
    const auto fresh = ids.subspan(static_cast<std::size_t>(from));
    const Matrix x = scratch.matrix(std::ssize(fresh), model_.spec().hidden);
    seen_.clear();
    model_.extend(ctx, workspace_, cache_, fresh, x);
    seen_.assign(ids.begin(), ids.end());
    computed += std::ssize(fresh);
    return x.slice(std::ssize(fresh) - scored, scored);
  }

  void logits(Context& ctx, ConstMatrix x, Matrix logits) {
    model_.head().logits(ctx, workspace_, x, logits);
  }
  const Model& model() const { return model_; }
  Workspace& workspace() { return workspace_; }

 private:
  const Model& model_;
  KvCache cache_;
  Workspace workspace_;
  std::vector<std::int32_t> seen_;
};

void check_ids(const Model& model, std::span<const LikelihoodRequest> requests) {
  for (const LikelihoodRequest& r : requests) {
    for (const std::int32_t id : r.ids) {
      LQ_CHECK(id >= 0 && id < model.spec().vocab, kMismatch,
               "[tasks] the tokenizer gives token {}, but the model knows {}", id, model.spec().vocab);
    }
  }
}

// The order in which shared beginnings follow each other.
std::vector<std::size_t> by_tokens(std::span<const LikelihoodRequest> requests) {
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a].ids < requests[b].ids; });
  return order;
}

// What the model is fed: all tokens but the last, which is predicted only.
std::span<const std::int32_t> fed(const LikelihoodRequest& r) {
  return std::span(r.ids).first(r.ids.size() - 1);
}

// Requests order[first .. last) that are fed the same tokens and score one each: one pass serves them all.
std::size_t end_of_alike(std::span<const LikelihoodRequest> requests, const std::vector<std::size_t>& order,
                         std::size_t first) {
  const LikelihoodRequest& r = requests[order[first]];
  std::size_t last = first + 1;
  if (r.scored != 1) return last;
  while (last < order.size() && requests[order[last]].scored == 1 &&
         std::ranges::equal(fed(requests[order[last]]), fed(r)))
    ++last;
  return last;
}

// Adds what the logits [targets, vocab] say of the targets. `theirs` of the reference: empty where there is
// none.
void add(Context& ctx, Scratch& scratch, ConstMatrix logits, ConstMatrix theirs,
         std::span<const std::int32_t> targets, Sampler& greedy, Likelihood& sum) {
  const Vector losses = scratch.vector(std::ssize(targets));
  cross_entropy_forward(ctx, logits, targets, losses);
  for (const float loss : losses) sum.log_likelihood -= loss;
  for (std::int64_t t = 0; t < std::ssize(targets) && sum.greedy; ++t) {
    const std::span<const float> row(logits.row(t), static_cast<std::size_t>(logits.cols));
    sum.greedy = greedy.pick(row, {}) == targets[static_cast<std::size_t>(t)];
  }
  if (theirs.rows == 0) return;
  kl_divergence(ctx, theirs, logits, losses);
  for (const float kl : losses) sum.kl += kl;
  cross_entropy_forward(ctx, theirs, targets, losses);
  for (const float loss : losses) sum.reference -= loss;
}

}  // namespace

LikelihoodReport log_likelihoods(Context& ctx, const Model& model,
                                 std::span<const LikelihoodRequest> requests, const Model* reference) {
  LikelihoodReport report;
  report.likelihoods.resize(requests.size());
  if (requests.empty()) return report;
  check_ids(model, requests);
  LQ_CHECK(reference == nullptr || reference->spec().vocab == model.spec().vocab, kMismatch,
           "[tasks] the model has {} tokens in its vocabulary, the reference {}", model.spec().vocab,
           reference == nullptr ? 0 : reference->spec().vocab);
  std::int64_t longest = 0;
  for (const LikelihoodRequest& r : requests) {
    longest = std::max(longest, std::ssize(r.ids) - 1);
    report.tokens += std::ssize(r.ids) - 1;
  }
  Reader ours(model, longest);
  std::optional<Reader> theirs;
  if (reference != nullptr) theirs.emplace(*reference, longest);
  const std::vector<std::size_t> order = by_tokens(requests);
  const std::int64_t vocab = model.spec().vocab;
  Sampler greedy({});
  ctx.progress.begin("score", std::ssize(requests), "requests");
  for (std::size_t first = 0; first < order.size();) {
    ctx.stop.check();
    const LikelihoodRequest& r = requests[order[first]];
    const std::size_t last = end_of_alike(requests, order, first);
    Scratch scratch(ours.workspace());
    const Matrix x = ours.read(ctx, scratch, fed(r), r.scored, report.computed);
    std::optional<Scratch> their_scratch;
    Matrix their_x;
    std::int64_t unused = 0;
    if (theirs) {
      their_scratch.emplace(theirs->workspace());
      their_x = theirs->read(ctx, *their_scratch, fed(r), r.scored, unused);
    }
    const std::int64_t step = std::min(r.scored, model.head().chunk_tokens());
    const Matrix logits = scratch.matrix(step, vocab);
    const Matrix their_logits = theirs ? scratch.matrix(step, vocab) : Matrix();
    for (std::int64_t begin = 0; begin < r.scored; begin += step) {
      const std::int64_t count = std::min(step, r.scored - begin);
      ours.logits(ctx, x.slice(begin, count), logits.slice(0, count));
      if (theirs) theirs->logits(ctx, their_x.slice(begin, count), their_logits.slice(0, count));
      for (std::size_t i = first; i < last; ++i) {
        const LikelihoodRequest& of = requests[order[i]];
        Scratch inner(ours.workspace());
        const auto targets = std::span(of.ids)
                                 .last(static_cast<std::size_t>(of.scored))
                                 .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
        add(ctx, inner, logits.slice(0, count),
            theirs ? ConstMatrix(their_logits.slice(0, count)) : ConstMatrix(), targets, greedy,
            report.likelihoods[order[i]]);
      }
    }
    first = last;
    ctx.progress.update(static_cast<std::int64_t>(first), "");
  }
  ctx.progress.end();
  return report;
}

}  // namespace lq
