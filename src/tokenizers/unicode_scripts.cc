#include "tokenizers/unicode_scripts.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace lq::tokenizers {
namespace {

struct Run {
  std::uint32_t first;  // up to the next run's
  std::uint8_t script;
};
constexpr Run kRuns[] = {
#include "tokenizers/unicode_scripts.inc"
};

}  // namespace

int script_of(char32_t c) {
  const auto after = std::upper_bound(std::begin(kRuns), std::end(kRuns), static_cast<std::uint32_t>(c),
                                      [](std::uint32_t code, const Run& run) { return code < run.first; });
  return after == std::begin(kRuns) ? kAnyScript : std::prev(after)->script;
}

}  // namespace lq::tokenizers
