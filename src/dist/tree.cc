#include "dist/tree.h"

#include <algorithm>
#include <bit>

namespace lq {
namespace {

// Parts of a full node: the least power of two that lets `size` of them cover all parts.
std::int64_t parts_of_a_node(std::int64_t parts, int size) {
  const std::int64_t share = (parts + size - 1) / size;
  return static_cast<std::int64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(1, share))));
}

}  // namespace

PartRange parts_of_rank(std::int64_t parts, int rank, int size) {
  const std::int64_t node = parts_of_a_node(parts, size);
  return {std::min(parts, rank * node), std::min(parts, (rank + 1) * node)};
}

int ranks_with_parts(std::int64_t parts, int size) {
  const std::int64_t node = parts_of_a_node(parts, size);
  return static_cast<int>((parts + node - 1) / node);
}

int nodes_finished_by(std::int64_t index) { return std::countr_one(static_cast<std::uint64_t>(index)); }

int most_waiting_nodes(std::int64_t parts) {
  return parts < 1 ? 0 : std::bit_width(static_cast<std::uint64_t>(parts)) - 1;
}

}  // namespace lq
