#include "base/block_name.h"

#include <algorithm>
#include <charconv>

namespace lq {

std::optional<BlockName> parse_block_name(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (!part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos) {
      std::int64_t number = 0;
      const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), number);
      if (error != std::errc()) return std::nullopt;
      return BlockName{.prefix = name.substr(0, begin == 0 ? 0 : begin - 1),
                       .number = number,
                       .rest = name.substr(std::min(end + 1, name.size())),
                       .block = name.substr(0, end)};
    }
    begin = end + 1;
  }
  return std::nullopt;
}

}  // namespace lq
