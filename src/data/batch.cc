#include "data/batch.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "base/error.h"
#include "base/rng.h"

namespace lq {
namespace {

using Indices = std::vector<std::int64_t>;

// Fisher-Yates; the stream names the purpose and the epoch.
template <typename T>
void shuffle(std::vector<T>& list, const Rng& rng) {
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[rng.below(i, i)]);
}

Rng rng_for(const BatchOptions& options, std::string_view purpose, std::int64_t epoch) {
  return Rng(options.seed, stream_of(purpose) + static_cast<std::uint64_t>(epoch) * 0x9E3779B97F4A7C15u);
}

// Each example as often as its weight says; the fraction is drawn anew each epoch.
Indices repeat_by_weight(std::size_t count, std::span<const double> weights, const Rng& rng) {
  Indices out;
  for (std::size_t i = 0; i < count; ++i) {
    const double weight = weights.empty() ? 1.0 : weights[i];
    const double whole = std::floor(weight);
    const auto times = static_cast<int>(whole) + (rng.uniform(i) < weight - whole ? 1 : 0);
    out.insert(out.end(), static_cast<std::size_t>(times), static_cast<std::int64_t>(i));
  }
  return out;
}

constexpr std::size_t kOpenRows = 64;  // more of them pack a little tighter and keep the order less

// First fit into the open rows; the oldest is closed when there are too many.
std::vector<Indices> pack(std::span<const EncodedExample> examples, const Indices& order,
                          std::int64_t row_length) {
  struct Row {
    Indices picked;
    std::int64_t left;
  };
  std::deque<Row> open;
  std::vector<Indices> rows;
  for (const std::int64_t i : order) {
    const std::int64_t size = std::ssize(examples[static_cast<std::size_t>(i)].ids);
    LQ_CHECK(size <= row_length, kInvalidArgument, "an example of {} tokens does not fit into rows of {}",
             size, row_length);
    auto row = std::find_if(open.begin(), open.end(), [&](const Row& r) { return r.left >= size; });
    if (row == open.end()) {
      if (open.size() == kOpenRows) {
        rows.push_back(std::move(open.front().picked));
        open.pop_front();
      }
      open.push_back({{}, row_length});
      row = open.end() - 1;
    }
    row->picked.push_back(i);
    row->left -= size;
    if (row->left == 0) {
      rows.push_back(std::move(row->picked));
      open.erase(row);
    }
  }
  for (Row& row : open) rows.push_back(std::move(row.picked));
  return rows;
}

std::vector<Indices> cut_batches(const std::vector<Indices>& rows, std::int64_t per_batch) {
  std::vector<Indices> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % static_cast<std::size_t>(per_batch) == 0) out.emplace_back();
    out.back().insert(out.back().end(), rows[i].begin(), rows[i].end());
  }
  return out;
}

}  // namespace

Batch make_batch(std::span<const EncodedExample> examples, std::span<const std::int64_t> picked) {
  Batch batch;
  for (const std::int64_t index : picked) {
    const EncodedExample& e = examples[static_cast<std::size_t>(index)];
    if (e.ids.empty()) continue;
    batch.starts.push_back(std::ssize(batch.ids));
    batch.ids.insert(batch.ids.end(), e.ids.begin(), e.ids.end());
    for (std::size_t t = 1; t < e.ids.size(); ++t) {
      batch.targets.push_back(e.in_loss[t] != 0 ? e.ids[t] : kNoTarget);
      batch.trained_tokens += e.in_loss[t] != 0 ? 1 : 0;
    }
    batch.targets.push_back(kNoTarget);
    batch.types.insert(batch.types.end(), e.types.begin(), e.types.end());
    if (e.label) batch.labels.push_back(*e.label);
  }
  batch.starts.push_back(std::ssize(batch.ids));
  LQ_CHECK(batch.labels.empty() || batch.labels.size() + 1 == batch.starts.size(), kInvalidArgument,
           "[batch] {} of {} examples have a label", batch.labels.size(), batch.starts.size() - 1);
  LQ_CHECK(batch.types.empty() || batch.types.size() == batch.ids.size(), kInvalidArgument,
           "[batch] {} token types for {} tokens", batch.types.size(), batch.ids.size());
  if (!batch.labels.empty()) batch.trained_tokens = std::ssize(batch.labels);
  return batch;
}

std::vector<Indices> plan_epoch(std::span<const EncodedExample> examples, std::span<const double> weights,
                                const BatchOptions& options, std::int64_t epoch) {
  LQ_CHECK(options.rows > 0, kInvalidArgument, "batches of {} rows; there should be at least 1",
           options.rows);
  Indices order = repeat_by_weight(examples.size(), weights, rng_for(options, "repeat", epoch));
  if (options.shuffle) shuffle(order, rng_for(options, "shuffle", epoch));
  if (options.batching == Batching::kPacked) {
    return cut_batches(pack(examples, order, options.row_length), options.rows);
  }
  std::vector<Indices> rows;
  for (const std::int64_t i : order) rows.push_back({i});
  if (options.batching == Batching::kPlain) return cut_batches(rows, options.rows);
  // Long and short stay mixed over the epoch: only some batches' worth of rows is sorted at a time.
  constexpr std::int64_t kBatchesSorted = 50;
  const auto chunk = static_cast<std::size_t>(options.rows * kBatchesSorted);
  const auto size = [&](const Indices& row) { return examples[static_cast<std::size_t>(row[0])].ids.size(); };
  for (std::size_t begin = 0; begin < rows.size(); begin += chunk) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), begin + chunk));
    std::stable_sort(first, last, [&](const Indices& a, const Indices& b) { return size(a) > size(b); });
  }
  std::vector<Indices> batches = cut_batches(rows, options.rows);
  if (options.shuffle) shuffle(batches, rng_for(options, "batches", epoch));
  return batches;
}

}  // namespace lq
