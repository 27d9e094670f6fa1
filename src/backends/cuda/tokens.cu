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

void rope_rotate(DeviceQueue& queue, std::int64_t tokens, std::int64_t heads, std::int64_t head_dim,
                 std::int64_t half, const float* host_tables, bool inverse, float* x) {
  const std::int64_t count = tokens * half;
  const float* const cos = upload_constants(queue, host_tables, 2 * count);
  rope_rotate(queue, tokens, heads, head_dim, half, cos, cos + count, inverse, x);
}

void append_rows(DeviceQueue& queue, const AttentionSegment& host_segment, std::int64_t width, const float* k,
                 const float* v, float* keys, float* values) {
  const void* const placed = staged(queue, &host_segment, sizeof host_segment);
  for_each(queue, "append_rows", 2 * host_segment.q_count * width,
           AppendRows{host_segment, static_cast<const AttentionSegment*>(placed), width, k, v, keys, values});
}

}  // namespace lq::backends::cuda
