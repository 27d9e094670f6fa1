#include "dist/alone/alone.h"

#include "base/error.h"

namespace lq {

void Alone::sum_by_tree(Vector, int parts) {
  LQ_CHECK(parts == 1, kInternal, "[dist] a sum of {} ranks, but there is one", parts);
}

void Alone::sum(std::span<double>) {}

void Alone::broadcast(std::span<std::byte>, int root) {
  LQ_CHECK(root == 0, kInternal, "[dist] broadcast from rank {}, but there is only rank 0", root);
}

}  // namespace lq
