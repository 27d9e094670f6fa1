#include "eval/likelihood.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/hash.h"
#include "eval/likelihood_plan.h"
#include "eval/likelihood_scorer.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

constexpr std::int64_t kBaseChunk = 512;  // tokens of a base that pass together
constexpr std::int64_t kStored = 2;       // of a store's numbers: another value where their form changes

// One model with the base that the last batch had.
class Reader {
 public:
  Reader(const Model& model, std::int64_t longest)
      : model_(model),
        base_(model.make_cache(longest)),
        longest_(longest),
        workspace_(model.device(), empty_tensor) {}

  // Output of the last block at the scored tokens of the batch's sequences, one after the other:
  // rows [sum of scored, hidden].
  void read(Context& ctx, Requests requests, const LikelihoodBatch& batch, Matrix rows) {
    const auto ids_of = [&](const FedSequence& s) { return fed_tokens(requests[s.requests[0]]); };
    read_base(ctx, ids_of(batch.stems[0].sequences[0]).first(static_cast<std::size_t>(batch.base)));
    Pass stems;
    std::vector<const KvCache*> begins;
    for (const SharedStem& stem : batch.stems) {
      if (stem.length == batch.base) {
        begins.push_back(&base_);
        continue;
      }
      const auto ids = ids_of(stem.sequences[0]).first(static_cast<std::size_t>(stem.length));
      begins.push_back(&add(ctx, stems, base_, batch.base, ids));
    }
    if (!stems.caches.empty()) {
      Scratch scratch(workspace_);
      extend(ctx, stems, scratch.matrix(std::ssize(stems.ids), rows.cols));
    }
    Pass leaves;
    std::vector<std::int64_t> scored;
    for (std::size_t i = 0; i < batch.stems.size(); ++i) {
      for (const FedSequence& s : batch.stems[i].sequences) {
        add(ctx, leaves, *begins[i], batch.stems[i].length, ids_of(s));
        scored.push_back(requests[s.requests[0]].scored);
      }
    }
    Scratch scratch(workspace_);
    const Matrix x = scratch.matrix(std::ssize(leaves.ids), rows.cols);
    extend(ctx, leaves, x);
    std::int64_t to = 0;
    for (std::size_t i = 0; i < scored.size(); ++i) {
      const ConstMatrix last = x.slice(leaves.starts[i + 1] - scored[i], scored[i]);
      copy_values(ctx, last.flat(), rows.slice(to, scored[i]).flat());
      to += scored[i];
    }
  }

  void logits(Context& ctx, ConstMatrix x, Matrix logits) {
    model_.head().logits(ctx, workspace_, x, logits);
  }
  Workspace& workspace() { return workspace_; }

 private:
  struct Pass {
    std::vector<std::unique_ptr<KvCache>> caches;
    std::vector<std::int32_t> ids;
    std::vector<std::int64_t> starts = {0};
  };

  void read_base(Context& ctx, std::span<const std::int32_t> ids) {
    if (std::ranges::equal(ids, base_ids_)) return;
    base_.truncate(0);
    base_ids_.clear();
    for (std::size_t at = 0; at < ids.size(); at += kBaseChunk) {
      const auto part = ids.subspan(at, std::min<std::size_t>(kBaseChunk, ids.size() - at));
      Scratch scratch(workspace_);
      model_.extend(ctx, workspace_, base_, part, scratch.matrix(std::ssize(part), model_.spec().hidden));
    }
    base_ids_.assign(ids.begin(), ids.end());
  }

  // The tokens of a sequence from `from` on, whose first ones are in a cache.
  const KvCache& add(Context& ctx, Pass& pass, const KvCache& begin, std::int64_t from,
                     std::span<const std::int32_t> ids) const {
    auto cache = std::make_unique<KvCache>(model_.make_cache(longest_));
    cache->reserve(ctx, std::ssize(ids));
    cache->begin_with(ctx, begin, from);
    pass.ids.insert(pass.ids.end(), ids.begin() + from, ids.end());
    pass.starts.push_back(std::ssize(pass.ids));
    pass.caches.push_back(std::move(cache));
    return *pass.caches.back();
  }

  void extend(Context& ctx, const Pass& pass, Matrix x) {
    std::vector<KvCache*> caches;
    for (const auto& cache : pass.caches) caches.push_back(cache.get());
    model_.extend(ctx, workspace_, caches, {pass.ids, pass.starts}, x);
  }

  const Model& model_;
  KvCache base_;
  std::int64_t longest_;
  std::vector<std::int32_t> base_ids_;
  Workspace workspace_;
};

void check_ids(const Model& model, Requests requests) {
  for (const LikelihoodRequest& r : requests) {
    for (const std::int32_t id : r.ids) {
      LQ_CHECK(id >= 0 && id < model.spec().vocab, kMismatch,
               "[tasks] the tokenizer gives token {}, but the model knows {}", id, model.spec().vocab);
    }
  }
}

std::vector<ScoredRow> scored_rows(Requests requests, const LikelihoodBatch& batch) {
  std::vector<ScoredRow> rows;
  for (const SharedStem& stem : batch.stems) {
    for (const FedSequence& s : stem.sequences) {
      for (std::int64_t t = 0; t < requests[s.requests[0]].scored; ++t) rows.push_back({&s, t});
    }
  }
  return rows;
}

void score(Context& ctx, Requests requests, const LikelihoodBatch& batch, Reader& ours, Reader* theirs,
           const Model& model, const Model* reference, std::vector<Likelihood>& sums) {
  const std::vector<ScoredRow> rows = scored_rows(requests, batch);
  const std::int64_t count = std::ssize(rows);
  Scratch scratch(ours.workspace());
  const Matrix x = scratch.matrix(count, model.spec().hidden);
  ours.read(ctx, requests, batch, x);
  Matrix their_x;
  if (theirs != nullptr) {
    their_x = scratch.matrix(count, reference->spec().hidden);
    theirs->read(ctx, requests, batch, their_x);
  }
  const std::int64_t step = std::min(count, model.head().chunk_tokens());
  const Matrix logits = scratch.matrix(step, model.spec().vocab);
  const Matrix their_logits = theirs != nullptr ? scratch.matrix(step, model.spec().vocab) : Matrix();
  Scorer scorer(requests, sums);
  for (std::int64_t begin = 0; begin < count; begin += step) {
    const std::int64_t n = std::min(step, count - begin);
    ours.logits(ctx, x.slice(begin, n), logits.slice(0, n));
    if (theirs != nullptr) theirs->logits(ctx, their_x.slice(begin, n), their_logits.slice(0, n));
    const auto part = std::span(rows).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
    scorer.add(ctx, part, logits.slice(0, n),
               theirs != nullptr ? ConstMatrix(their_logits.slice(0, n)) : ConstMatrix());
  }
}

std::string asked_hash(Requests requests, const std::vector<std::size_t>& which) {
  Hasher hasher;
  hasher.update(&kStored, sizeof kStored);
  for (const std::size_t i : which) {
    const std::int64_t size[] = {std::ssize(requests[i].ids), requests[i].scored};
    hasher.update(size, sizeof size);
    hasher.update(requests[i].ids.data(), requests[i].ids.size() * sizeof(std::int32_t));
  }
  return hasher.hex();
}

// As the store has them: the bits of doubles.
nlohmann::json to_json(const std::vector<Likelihood>& all, const std::vector<std::size_t>& which) {
  nlohmann::json json = nlohmann::json::array();
  for (const std::size_t i : which) {
    const Likelihood& l = all[i];
    json.push_back({std::bit_cast<std::uint64_t>(l.log_likelihood), l.greedy,
                    std::bit_cast<std::uint64_t>(l.kl), std::bit_cast<std::uint64_t>(l.reference),
                    l.reference_greedy});
  }
  return json;
}

void from_json(const nlohmann::json& json, const std::vector<std::size_t>& which,
               std::vector<Likelihood>& all) {
  LQ_CHECK(json.is_array() && json.size() == which.size(), kCorruptFile,
           "[tasks] the answers that are kept are {}, but the batch has {} requests", json.size(),
           which.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    const auto number = [&](std::size_t k) {
      return std::bit_cast<double>(json[i].at(k).get<std::uint64_t>());
    };
    all[which[i]] = {number(0), json[i].at(1).get<bool>(), number(2), number(3), json[i].at(4).get<bool>()};
  }
}

}  // namespace

LikelihoodReport log_likelihoods(Context& ctx, const Model& model, Requests requests,
                                 const LikelihoodOptions& options) {
  LikelihoodReport report;
  report.likelihoods.resize(requests.size());
  if (requests.empty()) return report;
  check_ids(model, requests);
  const Model* reference = options.reference;
  LQ_CHECK(reference == nullptr || reference->spec().vocab == model.spec().vocab, kMismatch,
           "[tasks] the model has {} tokens in its vocabulary, the reference {}", model.spec().vocab,
           reference == nullptr ? 0 : reference->spec().vocab);
  std::int64_t longest = 0;
  for (const LikelihoodRequest& r : requests) {
    longest = std::max(longest, std::ssize(r.ids) - 1);
    report.tokens += std::ssize(r.ids) - 1;
  }
  const std::int64_t token_bytes = 2 * model.spec().layers() * model.spec().kv_width() * 4;
  const std::vector<LikelihoodBatch> batches = plan_likelihoods(
      requests, {options.batch_tokens, std::max<std::int64_t>(1, options.cache_bytes / token_bytes),
                 !model.spec().turns_by_length(longest)});
  report.computed = computed_tokens(requests, batches);
  Reader ours(model, longest);
  std::optional<Reader> theirs;
  if (reference != nullptr) theirs.emplace(*reference, longest);
  ctx.progress.begin("score", std::ssize(requests), "requests");
  std::int64_t done = 0;
  for (std::size_t b = 0; b < batches.size(); ++b) {
    ctx.stop.check();
    const auto key = static_cast<std::int64_t>(b);
    const std::vector<std::size_t> which = batches[b].requests();
    const std::string asked = options.store != nullptr ? asked_hash(requests, which) : "";
    const nlohmann::json* kept = options.store != nullptr ? options.store->find(key, asked) : nullptr;
    if (kept != nullptr) {
      from_json(*kept, which, report.likelihoods);
    } else {
      score(ctx, requests, batches[b], ours, theirs ? &*theirs : nullptr, model, reference,
            report.likelihoods);
      for (const std::size_t i : which) {
        LQ_CHECK(!std::isnan(report.likelihoods[i].log_likelihood), kInvalidArgument,
                 "[tasks] the model's logits are not numbers");
      }
      if (options.store != nullptr) options.store->put(key, asked, to_json(report.likelihoods, which));
    }
    done += std::ssize(which);
    ctx.progress.update(done, "");
  }
  ctx.progress.end();
  return report;
}

}  // namespace lq
