#include "eval/likelihood_plan.h"

#include <algorithm>
#include <numeric>

namespace lq {
namespace {

constexpr std::int64_t kLeastBase = 64;  // tokens that are worth a pass of their own
constexpr std::int64_t kLeastStem = 8;   // tokens that are worth a second pass

// A sequence as the plan sees it.
struct Planned {
  FedSequence sequence;
  std::int64_t length = 0;  // tokens that are fed
  std::int64_t shared = 0;  // with the sequence before, of what may be shared
};

std::int64_t shareable(const LikelihoodRequest& r) { return std::ssize(r.ids) - 1 - r.scored; }

std::vector<Planned> planned(std::span<const LikelihoodRequest> requests) {
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a].ids < requests[b].ids; });
  std::vector<Planned> all;
  for (const std::size_t i : order) {
    const LikelihoodRequest& r = requests[i];
    const auto ids = fed_tokens(r);
    std::int64_t shared = 0;
    if (!all.empty()) {
      const LikelihoodRequest& before = requests[all.back().sequence.requests[0]];
      const auto theirs = fed_tokens(before);
      const bool same = r.scored == 1 ? std::ranges::equal(ids, theirs) : r.ids == before.ids;
      if (r.scored == before.scored && same) {
        all.back().sequence.requests.push_back(i);
        continue;
      }
      const std::int64_t alike = std::ranges::mismatch(ids, theirs).in1 - ids.begin();
      shared = std::min({alike, shareable(r), shareable(before)});
    }
    all.push_back({{{i}}, std::ssize(ids), shared});
  }
  return all;
}

// The tokens that all of a range share: of what its sequences share with the ones before them the least.
std::int64_t least_shared(std::span<const Planned> range) {
  std::int64_t least = range[1].shared;
  for (const Planned& p : range.subspan(1)) least = std::min(least, p.shared);
  return least;
}

class Batches {
 public:
  explicit Batches(const LikelihoodLimits& limits) : limits_(limits) {}

  // The sequences of a range behind a base, in stems; `alone`: no other range joins their batches.
  void add(std::span<const Planned> range, std::int64_t base, bool alone) {
    if (alone) close();
    base_ = base;
    for (std::size_t first = 0; first < range.size();) {
      const std::size_t count = stem_size(range.subspan(first));
      add_stem(range.subspan(first, count));
      first += count;
    }
    if (alone) close();
  }

  std::vector<LikelihoodBatch> take() {
    close();
    return std::move(batches_);
  }

 private:
  // How many of the range's first sequences share a stem. Where the next ones share far less, or the ones
  // behind it far more, another stem begins.
  std::size_t stem_size(std::span<const Planned> range) const {
    std::int64_t stem = 0;  // tokens of it behind the base
    std::int64_t rows = range[0].length - base_;
    std::int64_t cached = range[0].length;
    std::size_t count = 1;
    for (; count < range.size(); ++count) {
      const std::int64_t next = range[count].shared - base_;
      if (next < kLeastStem || 2 * next < stem) break;
      if (count + 1 < range.size() && range[count + 1].shared - base_ > 2 * next) break;
      rows += range[count].length - base_ - next;
      cached += range[count].length;
      if (rows > limits_.rows || cached > limits_.cache_tokens) break;
      stem = stem == 0 ? next : std::min(stem, next);
    }
    return count;
  }

  void add_stem(std::span<const Planned> range) {
    SharedStem stem{range.size() > 1 ? least_shared(range) : base_, {}};
    std::int64_t rows = stem.length - base_;
    std::int64_t cached = range.size() > 1 ? stem.length : 0;
    for (const Planned& p : range) {
      rows += p.length - stem.length;
      cached += p.length;
      stem.sequences.push_back(p.sequence);
    }
    const bool fits = rows_ + rows <= limits_.rows && cached_ + cached <= limits_.cache_tokens;
    if (!open_.stems.empty() && !fits) close();
    open_.base = base_;
    open_.stems.push_back(std::move(stem));
    rows_ += rows;
    cached_ += cached;
  }

  void close() {
    if (!open_.stems.empty()) batches_.push_back(std::move(open_));
    open_ = {};
    rows_ = 0;
    cached_ = 0;
  }

  const LikelihoodLimits& limits_;
  std::vector<LikelihoodBatch> batches_;
  LikelihoodBatch open_;
  std::int64_t base_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t cached_ = 0;
};

}  // namespace

std::vector<std::size_t> LikelihoodBatch::requests() const {
  std::vector<std::size_t> all;
  for (const SharedStem& stem : stems) {
    for (const FedSequence& s : stem.sequences) all.insert(all.end(), s.requests.begin(), s.requests.end());
  }
  return all;
}

std::span<const std::int32_t> fed_tokens(const LikelihoodRequest& request) {
  return std::span(request.ids).first(request.ids.size() - 1);
}

std::vector<LikelihoodBatch> plan_likelihoods(std::span<const LikelihoodRequest> requests,
                                              const LikelihoodLimits& limits) {
  std::vector<Planned> all = planned(requests);
  if (!limits.share) {
    for (Planned& p : all) p.shared = 0;
  }
  const LikelihoodLimits alone{1, 1, false};
  Batches batches(limits.share ? limits : alone);
  std::size_t loose = 0;  // from here to `first`: without a base
  const auto add_loose = [&](std::size_t end) {
    if (end > loose) batches.add(std::span(all).subspan(loose, end - loose), 0, false);
  };
  for (std::size_t first = 0; first < all.size();) {
    // As many as share a long beginning (a subject's examples). It is a base where one batch is too little
    // for them; else stems are enough.
    std::size_t last = first + 1;
    while (last < all.size() && all[last].shared >= kLeastBase) ++last;
    const auto range = std::span(all).subspan(first, last - first);
    const std::int64_t base = range.size() > 1 ? least_shared(range) : 0;
    std::int64_t rows = 0;
    for (const Planned& p : range) rows += p.length - base;
    if (range.size() > 1 && rows > limits.rows) {
      add_loose(first);
      batches.add(range, base, true);
      loose = last;
    }
    first = last;
  }
  add_loose(all.size());
  return batches.take();
}

std::int64_t computed_tokens(std::span<const LikelihoodRequest> requests,
                             std::span<const LikelihoodBatch> batches) {
  std::int64_t sum = 0;
  std::span<const std::int32_t> base;
  for (const LikelihoodBatch& batch : batches) {
    const auto first = fed_tokens(requests[batch.stems[0].sequences[0].requests[0]]);
    const auto mine = first.first(static_cast<std::size_t>(batch.base));
    if (!std::ranges::equal(mine, base)) sum += batch.base;
    base = mine;
    for (const SharedStem& stem : batch.stems) {
      sum += stem.length - batch.base;
      for (const FedSequence& s : stem.sequences)
        sum += std::ssize(requests[s.requests[0]].ids) - 1 - stem.length;
    }
  }
  return sum;
}

}  // namespace lq
