// What becomes of the matches of a pattern when text is split by it (tokenizer.json's `behavior`).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lq::tokenizers {

enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// A stretch [begin, end) of the text: a match, or what lies between matches.
struct Stretch {
  std::size_t begin, end;
  bool match;
};

// Turns stretches, which cover the text without gaps, into the words they make: `match` then says "leave
// out".
void apply_behavior(SplitBehavior behavior, std::vector<Stretch>& stretches);

// "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous". Throws kUnsupported.
SplitBehavior parse_behavior(const std::string& name, const std::string& who);

}  // namespace lq::tokenizers
