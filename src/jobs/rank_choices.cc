#include "jobs/rank_choices.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/option_error.h"

namespace lq {
namespace {

constexpr std::int64_t kLargestRank = 1 << 20;
constexpr std::int64_t kLargestAutomatic = 64;

std::int64_t parse_rank(std::string_view part, std::string_view text) {
  std::int64_t rank = 0;
  const char* end = part.data() + part.size();
  const auto [stop, error] = std::from_chars(part.data(), end, rank);
  check_option(error == std::errc() && stop == end && rank >= 0 && rank <= kLargestRank, "rank",
               "{}: must be a whole number from 0 to {}, several of them with commas between to choose "
               "among, or auto",
               text, kLargestRank);
  return rank;
}

}  // namespace

RankChoices parse_rank_choices(std::string_view text) {
  RankChoices choices;
  if (text == "auto") {
    choices.automatic = true;
    return choices;
  }
  if (text.find(',') == std::string_view::npos) {
    choices.rank = parse_rank(text, text);
    return choices;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    choices.ranks.push_back(parse_rank(text.substr(begin, end - begin), text));
    begin = end + 1;
  }
  std::sort(choices.ranks.begin(), choices.ranks.end());
  choices.ranks.erase(std::unique(choices.ranks.begin(), choices.ranks.end()), choices.ranks.end());
  return choices;
}

std::vector<std::int64_t> ranks_to_sweep(const RankChoices& choices,
                                         const std::vector<const TensorView*>& selected) {
  LQ_ASSERT(choices.chosen() && !selected.empty());
  const auto allows = [](const TensorView* view) { return std::min(view->shape()[0], view->shape()[1]); };
  const TensorView* smallest =
      *std::min_element(selected.begin(), selected.end(),
                        [&](const TensorView* a, const TensorView* b) { return allows(a) < allows(b); });
  const std::int64_t most = allows(smallest);
  if (choices.automatic) {
    std::vector<std::int64_t> ranks = {0};
    for (std::int64_t rank = 1; rank <= std::min(kLargestAutomatic, most); rank *= 4) ranks.push_back(rank);
    return ranks;
  }
  check_option(choices.ranks.back() <= most, "rank", "{} is larger than matrix '{}' {} allows (at most {})",
               choices.ranks.back(), smallest->name(), shape_text(smallest->shape()), most);
  return choices.ranks;
}

int factor_bits_of(DType factors) { return static_cast<int>(8 * dtype_size(factors)); }

}  // namespace lq
