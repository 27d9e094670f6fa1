#include "backends/cuda/tokens.h"

#include "backends/cuda/launch.h"
#include "backends/cuda/token_element.h"

namespace lq::backends::cuda {

void embedding_forward(DeviceQueue& queue, const DenseView& table, std::int64_t tokens, std::int64_t dim,
                       const std::int32_t* ids, float* x) {
  if (tokens == 0) return;
  for_each(queue, "embedding_forward", tokens * dim,
           EmbeddingForward{table, dim, upload_all(queue, ids, tokens), x});
}

void embedding_backward(DeviceQueue& queue, std::int64_t tokens, std::int64_t dim, const std::int32_t* ids,
                        const float* dx, float* dtable) {
  if (tokens == 0) return;
  for_each(queue, "embedding_backward", dim,
           EmbeddingBackward{tokens, dim, upload_all(queue, ids, tokens), dx, dtable});
}

void rope_rotate(DeviceQueue& queue, std::int64_t tokens, std::int64_t heads, std::int64_t head_dim,
                 std::int64_t half, const float* cos, const float* sin, bool inverse, float* x) {
  for_each(queue, "rope", tokens * heads * half, RopeRotate{half, head_dim, heads, cos, sin, inverse, x});
}

}  // namespace lq::backends::cuda
