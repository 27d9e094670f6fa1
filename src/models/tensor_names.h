// How a family's checkpoints name what a model consists of.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

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
  // Modules outside of the blocks whose names began with it then.
  std::vector<Role> dropped_roles = {};

  // A second name of the head's bias in other files, and whether it is another tensor there, which nothing
  // reads. Empty: there is none.
  std::string other_head_bias = {};
  bool other_head_bias_is_idle = false;

  // The same without `body` where it stands.
  TensorNames without_body() const;
  // What a module or tensor is called here that another file names with the body's beginning or without it;
  // empty: it is one that nothing reads.
  std::string own(const std::string& name) const;
  // What a class of transformers calls it: one with a head puts the beginning before its body's names, the
  // bare model does not.
  std::string in_class(const std::string& name, bool with_head) const {
    return begun(name, !with_head ? std::string() : body.empty() ? dropped_body : body);
  }
  // "model.layers.3.self_attn.q_proj", without ".weight". layer: -1 outside the blocks; expert: -1 but for
  // experts. Throws Error(kInternal) for a role that the family did not name.
  std::string module(Role role, std::int64_t layer = -1, std::int64_t expert = -1) const;

 private:
  // A name of the body with this beginning; others as they are.
  std::string begun(const std::string& name, const std::string& beginning) const;
};

}  // namespace lq
