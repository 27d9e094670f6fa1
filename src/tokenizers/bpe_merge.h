// The merging of byte-pair encoding: a word as a row of symbols; the pair with the lowest rank is merged
// first, the leftmost of equals, until no pair has a rank. Short words by scanning, long ones by a heap over
// a linked list: O(n log n), so that a megabyte without a space takes a second, not a day.
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

namespace lq::tokenizers {

// ranked: Merge(symbols, i, j) -> {rank, id}: what merging neighbours i and j makes; rank kNoMerge: nothing.
struct Merged {
  static constexpr std::uint32_t kNoMerge = 0xFFFFFFFFu;
  std::uint32_t rank = kNoMerge;
  std::int32_t id = -1;
};

// One symbol. begin, size: its bytes in the word (for models that look pairs up by their bytes).
struct BpeSymbol {
  std::int32_t id;
  std::uint32_t begin;
  std::uint32_t size;
};

// Scratch of one call, kept between words.
struct BpeScratch {
  std::vector<BpeSymbol> symbols;
  std::vector<Merged> pairs;
  struct Link {
    std::int32_t previous, next;
  };
  std::vector<Link> links;
};

namespace bpe_detail {

template <typename Lookup>
void merge_by_scan(BpeScratch& s, const Lookup& lookup) {
  auto& symbols = s.symbols;
  auto& pairs = s.pairs;
  std::size_t n = symbols.size();
  pairs.resize(n);
  for (std::size_t i = 0; i + 1 < n; ++i) pairs[i] = lookup(symbols[i], symbols[i + 1]);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].rank == Merged::kNoMerge) break;
    symbols[best].id = pairs[best].id;
    symbols[best].size += symbols[best + 1].size;
    std::move(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              symbols.begin() + static_cast<std::ptrdiff_t>(n),
              symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    std::move(pairs.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              pairs.begin() + static_cast<std::ptrdiff_t>(n),
              pairs.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    --n;
    pairs[n - 1] = {};
    if (best + 1 < n) pairs[best] = lookup(symbols[best], symbols[best + 1]);
    if (best > 0) pairs[best - 1] = lookup(symbols[best - 1], symbols[best]);
  }
  symbols.resize(n);
}

template <typename Lookup>
void merge_by_heap(BpeScratch& s, const Lookup& lookup) {
  auto& symbols = s.symbols;
  const auto n = static_cast<std::int32_t>(symbols.size());
  const auto at = [&](std::int32_t i) -> BpeSymbol& { return symbols[static_cast<std::size_t>(i)]; };
  auto& links = s.links;
  links.resize(symbols.size());
  for (std::int32_t i = 0; i < n; ++i) links[static_cast<std::size_t>(i)] = {i - 1, i + 1 < n ? i + 1 : -1};
  const auto link = [&](std::int32_t i) -> BpeScratch::Link& { return links[static_cast<std::size_t>(i)]; };

  struct Candidate {
    std::uint32_t rank;
    std::int32_t left;
    std::int32_t id;
    std::uint32_t size;  // of both symbols when this was found: if it has changed, so has the pair
    bool operator>(const Candidate& o) const { return rank != o.rank ? rank > o.rank : left > o.left; }
  };
  std::vector<Candidate> first;
  first.reserve(symbols.size());
  const auto candidate = [&](std::int32_t left, std::int32_t right, const auto& sink) {
    const Merged m = lookup(at(left), at(right));
    if (m.rank != Merged::kNoMerge) sink(Candidate{m.rank, left, m.id, at(left).size + at(right).size});
  };
  for (std::int32_t i = 0; i + 1 < n; ++i)
    candidate(i, i + 1, [&](const Candidate& c) { first.push_back(c); });
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap(std::greater<>{},
                                                                              std::move(first));
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    if (at(top.left).size == 0) continue;
    const std::int32_t right = link(top.left).next;
    if (right < 0 || at(top.left).size + at(right).size != top.size) continue;
    at(top.left).id = top.id;
    at(top.left).size = top.size;
    at(right).size = 0;
    const std::int32_t after = link(right).next;
    link(top.left).next = after;
    if (after >= 0) link(after).previous = top.left;
    const auto push = [&](const Candidate& c) { heap.push(c); };
    if (link(top.left).previous >= 0) candidate(link(top.left).previous, top.left, push);
    if (after >= 0) candidate(top.left, after, push);
  }
  std::size_t kept = 0;
  for (std::int32_t i = 0; i >= 0; i = link(i).next) symbols[kept++] = at(i);
  symbols.resize(kept);
}

}  // namespace bpe_detail

// Merges s.symbols in place. REQUIRES: every symbol has size > 0; fewer than 2^31 of them.
// lookup(left, right) -> Merged.
template <typename Lookup>
void bpe_merge(BpeScratch& s, const Lookup& lookup) {
  if (s.symbols.size() < 2) return;
  if (s.symbols.size() <= 48) {
    bpe_detail::merge_by_scan(s, lookup);
  } else {
    bpe_detail::merge_by_heap(s, lookup);
  }
}

}  // namespace lq::tokenizers
