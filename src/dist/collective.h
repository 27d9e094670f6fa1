// The processes that compute one result together, as one of them sees the others. A Context carries it; who
// has none is alone. Every call is made by all ranks in the same order, and blocks until all that it needs
// have called. What comes back is the same on every rank, bit for bit, and depends on no timing.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/device_span.h"

namespace lq {

class Collective {
 public:
  virtual ~Collective() = default;

  virtual int rank() const = 0;  // 0 <= rank < size
  virtual int size() const = 0;

  // x = the sum of x over ranks 0 .. parts-1, added by the tree of dist/tree.h; the other ranks' x is written
  // only. REQUIRES: 1 <= parts <= size(); parts and x.size() are the same on all ranks.
  virtual void sum_by_tree(Vector x, int parts) = 0;
  // x = the sum of x over all ranks, by the same tree. For a few numbers: losses, counts, flags.
  virtual void sum(std::span<double> x) = 0;
  // x = that of rank `root`. REQUIRES: 0 <= root < size(); x.size() is the same on all ranks.
  virtual void broadcast(std::span<std::byte> x, int root) = 0;
  // Returns when all ranks have come to it.
  virtual void barrier() = 0;
};

}  // namespace lq
