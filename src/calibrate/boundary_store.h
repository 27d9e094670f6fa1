// Activations, or gradients, between two blocks for all groups of windows: in the host's memory, on disk, or
// both, wherever they are computed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "formats/work_store.h"
#include "tensor/context.h"
#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace lq {

class BoundaryStore {
 public:
  // kind: names the pieces on disk. REQUIRES: in_memory or on_disk; the store outlives this.
  BoundaryStore(const WorkStore& store, std::string kind, bool in_memory, bool on_disk)
      : store_(store), kind_(std::move(kind)), in_memory_(in_memory), on_disk_(on_disk) {}

  // Keeps m, [tokens, hidden], at the input of block `layer` for that group.
  void put(Context& ctx, std::int64_t layer, std::int64_t group, ConstMatrix m);
  // m = what was kept. False where there is nothing, or it is damaged or of another size.
  bool get(Context& ctx, std::int64_t layer, std::int64_t group, Matrix m) const;
  bool has(std::int64_t layer, std::int64_t group, std::int64_t tokens, std::int64_t hidden) const;
  // Drops one from memory; what is on disk stays.
  void forget(std::int64_t layer, std::int64_t group) { memory_.erase({layer, group}); }
  void erase(std::int64_t layer, std::int64_t groups);

 private:
  std::string name(std::int64_t layer, std::int64_t group) const;

  const WorkStore& store_;
  std::string kind_;
  bool in_memory_, on_disk_;
  std::map<std::pair<std::int64_t, std::int64_t>, Tensor> memory_;
};

}  // namespace lq
