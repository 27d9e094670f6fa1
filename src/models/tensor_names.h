// How a family's checkpoints name what a model consists of.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "models/role.h"

namespace lq {

struct TensorNames {
  std::string block;                    // before a block's number: "model.layers."
  std::map<Role, std::string> modules;  // whole names: "model.norm"; in a block what follows its number:
                                        // "self_attn.q_proj"; of an expert with "{}" for its number:
                                        // "mlp.experts.{}.up_proj"

  // What begins the names of all but the heads: "bert."; a checkpoint of the bare model may lack it. Empty:
  // names are as they are.
  std::string body = {};
  // What a body's names began with before without_body().
  std::string dropped_body = {};

  // The same without `body` where it stands.
  TensorNames without_body() const;
  // "model.layers.3.self_attn.q_proj", without ".weight". layer: -1 outside the blocks; expert: -1 but for
  // experts. Throws Error(kInternal) for a role that the family did not name.
  std::string module(Role role, std::int64_t layer = -1, std::int64_t expert = -1) const;
};

}  // namespace lq
