// Shape of a tensor: its extents, outermost first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

using Shape = std::vector<std::int64_t>;

// Number of elements. Throws Error(kCorruptFile) naming `who` for a negative extent or a product above 2^62.
std::int64_t checked_numel(const Shape& shape, std::string_view who);
// "[4096, 11008]".
std::string shape_text(const Shape& shape);

}  // namespace lq
