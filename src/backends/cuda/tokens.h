// Embeddings, rotary positions and cached rows on a CUDA device. Pointers called ids and host_tables are the
// host's; all others are memory of the queue's device. The work is queued. Builds without CUDA have the same
// symbols (backends/no_cuda), which throw kUnsupported.
#pragma once

#include <cstdint>

#include "backends/attention_shape.h"
#include "backends/packed_view.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

// x[t] = table[ids[t]] as f32.   x: [tokens, dim]. REQUIRES: ids in the table.
void embedding_forward(DeviceQueue& queue, const DenseView& table, std::int64_t tokens, std::int64_t dim,
                       const std::int32_t* ids, float* x);
// dtable[ids[t]] += dx[t], tokens in order.
void embedding_backward(DeviceQueue& queue, std::int64_t tokens, std::int64_t dim, const std::int32_t* ids,
                        const float* dx, float* dtable);

// x: [tokens, heads, head_dim]: of each head the first 2 half are turned in place; cos, sin: [tokens, half].
// inverse: by the transpose.
void rope_rotate(DeviceQueue& queue, std::int64_t tokens, std::int64_t heads, std::int64_t head_dim,
                 std::int64_t half, const float* cos, const float* sin, bool inverse, float* x);
// The same with both tables on the host, [2, tokens, half]: small ones.
void rope_rotate(DeviceQueue& queue, std::int64_t tokens, std::int64_t heads, std::int64_t head_dim,
                 std::int64_t half, const float* host_tables, bool inverse, float* x);

// keys and values: the last q_count of kv_count rows = k and v ([q_count, width]).
void append_rows(DeviceQueue& queue, const AttentionSegment& host_segment, std::int64_t width, const float* k,
                 const float* v, float* keys, float* values);

}  // namespace lq::backends::cuda
