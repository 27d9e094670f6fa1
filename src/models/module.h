// The linear layers of a model, listed once: what calibration, quantization, training, adapters and export
// ask.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/role.h"
#include "nn/linear.h"

namespace lq {

struct Module {
  std::string name;  // full: "model.layers.0.self_attn.q_proj"
  Role role = Role::kHead;
  std::int64_t layer = -1;  // -1: outside the blocks
  // Modules with the same number read the same input (q, k, v; gate, up). Numbers are unique in a model and
  // rise.
  std::int64_t input_group = 0;
  // Parameters that share this module's weight: the embedding's, of a tied head.
  std::vector<std::string> tied;
  Linear* linear = nullptr;  // never null

  bool in_block() const { return layer >= 0; }
  // A tied head has no weight of its own: no adapter is put beside it unasked.
  bool owns_weight() const { return tied.empty(); }
};

}  // namespace lq
