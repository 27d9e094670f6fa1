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
    case Role::kPositions:
      return "positions";
    case Role::kTypes:
      return "token_types";
    case Role::kEmbeddingNorm:
      return "embedding_norm";
    case Role::kHeadDense:
      return "head_dense";
    case Role::kHeadBias:
      return "head_bias";
    case Role::kLabelDense:
      return "label_dense";
    case Role::kLabelOutput:
      return "label_output";
    case Role::kAttentionNorm:
      return "attention_norm";
    case Role::kAttentionNormAfter:
      return "attention_norm_after";
    case Role::kQkv:
      return "qkv";
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
    case Role::kSinks:
      return "sinks";
    case Role::kMlpNorm:
      return "mlp_norm";
    case Role::kMlpNormAfter:
      return "mlp_norm_after";
    case Role::kGateUp:
      return "gate_up";
    case Role::kGate:
      return "gate";
    case Role::kUp:
      return "up";
    case Role::kRouter:
      return "router";
    case Role::kExpertGate:
      return "expert_gate";
    case Role::kExpertUp:
      return "expert_up";
    case Role::kExpertDown:
      return "expert_down";
    case Role::kDown:
      return "down";
  }
  fail(ErrorCode::kInternal, "[model] role {} has no name", static_cast<int>(role));
}

bool in_block(Role role) {
  switch (role) {
    case Role::kEmbedding:
    case Role::kFinalNorm:
    case Role::kHead:
    case Role::kPositions:
    case Role::kTypes:
    case Role::kEmbeddingNorm:
    case Role::kHeadDense:
    case Role::kHeadBias:
    case Role::kLabelDense:
    case Role::kLabelOutput:
      return false;
    default:
      return true;
  }
}

bool is_norm(Role role) {
  switch (role) {
    case Role::kFinalNorm:
    case Role::kEmbeddingNorm:
    case Role::kAttentionNorm:
    case Role::kAttentionNormAfter:
    case Role::kQNorm:
    case Role::kKNorm:
    case Role::kMlpNorm:
    case Role::kMlpNormAfter:
      return true;
    default:
      return false;
  }
}

bool is_linear(Role role) {
  switch (role) {
    case Role::kEmbedding:
    case Role::kFinalNorm:
    case Role::kPositions:
    case Role::kTypes:
    case Role::kEmbeddingNorm:
    case Role::kHeadBias:
    case Role::kAttentionNorm:
    case Role::kAttentionNormAfter:
    case Role::kQNorm:
    case Role::kKNorm:
    case Role::kSinks:
    case Role::kMlpNorm:
    case Role::kMlpNormAfter:
    case Role::kRouter:
      return false;
    default:
      return true;
  }
}

}  // namespace lq
