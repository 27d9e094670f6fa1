// The fixed binary tree in which parts 0 .. n-1 of a sum are added. A node of level l covers the 2^l parts
// from k 2^l on (as many of them as there are) and is the sum of its two halves, or its left half where the
// right one is empty. The order depends on n alone: whoever computes which parts, the bits are the same.
#pragma once

#include <cstdint>

namespace lq {

struct PartRange {
  std::int64_t begin = 0, end = 0;
  std::int64_t count() const { return end - begin; }
  bool operator==(const PartRange&) const = default;
};

// The parts that a rank adds by itself: one node of the tree, so that the ranks' sums are the leaves of the
// rest of it. The first ranks have something to do, later ones may have nothing; all have the same where
// parts and size are powers of two. REQUIRES: parts >= 0, 0 <= rank < size.
PartRange parts_of_rank(std::int64_t parts, int rank, int size);

// How many ranks, counted from 0, have parts.
int ranks_with_parts(std::int64_t parts, int size);

// Parts come in rising order and a stack holds nodes whose sisters are still to come. This many nodes are
// taken from the stack and added to part `index` when it has come.
int nodes_finished_by(std::int64_t index);

// Nodes that wait in that stack at most while `parts` parts come in.
int most_waiting_nodes(std::int64_t parts);

}  // namespace lq
