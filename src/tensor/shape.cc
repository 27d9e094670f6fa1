#include "tensor/shape.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace lq {

std::int64_t checked_numel(const Shape& shape, std::string_view who) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 62;
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) {
    LQ_CHECK(extent >= 0, kCorruptFile, "{}: shape {} has a negative extent", who, shape_text(shape));
    LQ_CHECK(extent == 0 || n <= kLimit / extent, kCorruptFile, "{}: shape {} has more than 2^62 elements",
             who, shape_text(shape));
    n *= extent;
  }
  return n;
}

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace lq
