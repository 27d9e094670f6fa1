#include "tokenizers/split_behavior.h"

#include <algorithm>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

// Joins neighbours. joins(stretch, previous_is_match): whether stretch goes on the one before it.
template <typename Joins>
void join(std::vector<Stretch>& stretches, const Joins& joins) {
  std::vector<Stretch> out;
  bool previous = false;
  for (const Stretch& s : stretches) {
    if (!out.empty() && joins(s.match, previous)) {
      out.back().begin = std::min(out.back().begin, s.begin);
      out.back().end = std::max(out.back().end, s.end);
    } else {
      out.push_back({s.begin, s.end, false});
    }
    previous = s.match;
  }
  stretches = std::move(out);
}

}  // namespace

void apply_behavior(SplitBehavior behavior, std::vector<Stretch>& stretches) {
  switch (behavior) {
    case SplitBehavior::kRemoved:
      return;
    case SplitBehavior::kIsolated:
      for (Stretch& s : stretches) s.match = false;
      return;
    case SplitBehavior::kContiguous:
      return join(stretches, [](bool match, bool previous) { return match == previous; });
    case SplitBehavior::kMergedWithPrevious:
      return join(stretches, [](bool match, bool previous) { return match && !previous; });
    case SplitBehavior::kMergedWithNext:
      std::reverse(stretches.begin(), stretches.end());
      join(stretches, [](bool match, bool previous) { return match && !previous; });
      std::reverse(stretches.begin(), stretches.end());
      return;
  }
}

SplitBehavior parse_behavior(const std::string& name, const std::string& who) {
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  fail(ErrorCode::kUnsupported, "{}: split behavior '{}'", who, name);
}

}  // namespace lq::tokenizers
