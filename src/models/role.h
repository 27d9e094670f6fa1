// What a tensor or a linear layer of a checkpoint is for. A family maps the names in its checkpoints to
// these.
#pragma once

#include <string_view>

namespace lq {

enum class Role {
  kEmbedding,  // [vocab, hidden]
  kFinalNorm,  // [hidden]
  kHead,       // [vocab, hidden]
  // In every block:
  kAttentionNorm,  // [hidden], before attention
  kQ,              // [heads * head_dim, hidden]
  kK,              // [kv_heads * head_dim, hidden]
  kV,              // [kv_heads * head_dim, hidden]
  kO,              // [hidden, heads * head_dim]
  kQNorm,          // [head_dim], of the queries of each head
  kKNorm,          // [head_dim], of the keys of each head
  kMlpNorm,        // [hidden], before the feed-forward part
  kGate,           // [inner, hidden]
  kUp,             // [inner, hidden]
  kDown,           // [hidden, inner]
};

// "embedding", "q", "lm_head", ...: for messages and tables.
std::string_view role_name(Role role);
// Whether it stands in every block, and whether it is a linear layer.
bool in_block(Role role);
bool is_linear(Role role);

}  // namespace lq
