#include "models/model_spec.h"

namespace lq {

std::int64_t ModelSpec::block_linear_weights() const {
  return layers * (2 * hidden * head_dim * (heads + kv_heads) + 3 * hidden * intermediate);
}

std::int64_t ModelSpec::all_weights() const {
  return block_linear_weights() + (2 * layers + 1) * hidden + (tied_embeddings ? 1 : 2) * vocab * hidden;
}

}  // namespace lq
