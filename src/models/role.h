// What a tensor or a linear layer of a checkpoint is for. A family maps the names in its checkpoints to
// these.
#pragma once

#include <string_view>

namespace lq {

enum class Role {
  kEmbedding,  // [vocab, hidden]
  kFinalNorm,  // [hidden]
  kHead,       // [vocab, hidden]
  kPositions,  // [positions, hidden], learned
  // Of encoders:
  kTypes,          // [token types, hidden]
  kEmbeddingNorm,  // [hidden], over the sum of all tables' rows
  kHeadDense,      // [hidden, hidden], before the final norm
  kHeadBias,       // [vocab]; the module before ".bias"
  kLabelDense,     // [hidden, hidden], of a head over whole sequences
  kLabelOutput,    // [labels, hidden]
  // In every block (which of them: block_spec.h):
  kAttentionNorm,       // [hidden], before attention
  kAttentionNormAfter,  // [hidden], after it
  kQkv,                 // [(heads + 2 * kv_heads) * head_dim, hidden]: the next three in one
  kQ,                   // [heads * head_dim, hidden]
  kK,                   // [kv_heads * head_dim, hidden]
  kV,                   // [kv_heads * head_dim, hidden]
  kO,                   // [hidden, heads * head_dim]
  kQNorm,               // [head_dim], of the queries of each head, or [heads * head_dim]
  kKNorm,               // [head_dim], of the keys of each head, or [kv_heads * head_dim]
  kSinks,               // [heads]; the tensor's whole name
  kMlpNorm,             // [hidden], before the feed-forward part
  kMlpNormAfter,        // [hidden], after it
  kGateUp,              // [2 * inner, hidden]: the next two in one
  kGate,                // [inner, hidden]
  kUp,                  // [inner, hidden]
  kRouter,              // [experts, hidden]
  kExpertGate,          // of every expert, as the three below
  kExpertUp,
  kExpertDown,
  kDown,  // [hidden, inner]
};

// "embedding", "q", "lm_head", ...: for messages and tables.
std::string_view role_name(Role role);
// Whether it stands in every block, and whether it is a linear layer.
bool in_block(Role role);
bool is_linear(Role role);
// Whether it is a normalization (its weight, and its bias where it has one).
bool is_norm(Role role);

}  // namespace lq
