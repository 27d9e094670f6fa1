#include "models/role.h"

#include "base/error.h"

namespace lq {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kEmbedding:
      return "embedding";
    case Role::kFinalNorm:
      return "final_norm";
    case Role::kHead:
      return "lm_head";
    case Role::kAttentionNorm:
      return "attention_norm";
    case Role::kQ:
      return "q";
    case Role::kK:
      return "k";
    case Role::kV:
      return "v";
    case Role::kO:
      return "o";
    case Role::kQNorm:
      return "q_norm";
    case Role::kKNorm:
      return "k_norm";
    case Role::kMlpNorm:
      return "mlp_norm";
    case Role::kGate:
      return "gate";
    case Role::kUp:
      return "up";
    case Role::kDown:
      return "down";
  }
  fail(ErrorCode::kInternal, "[model] role {} has no name", static_cast<int>(role));
}

bool in_block(Role role) {
  return role != Role::kEmbedding && role != Role::kFinalNorm && role != Role::kHead;
}

bool is_linear(Role role) {
  switch (role) {
    case Role::kEmbedding:
    case Role::kFinalNorm:
    case Role::kAttentionNorm:
    case Role::kQNorm:
    case Role::kKNorm:
    case Role::kMlpNorm:
      return false;
    default:
      return true;
  }
}

}  // namespace lq
