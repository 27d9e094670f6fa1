// Attention of a few packed sequences as a graph for cuDNN: the operations, in the form that NVIDIA's
// cudnn-frontend 1.32 gives it (include/cudnn_frontend/node/scaled_dot_product_flash_attention.h, its
// composite nodes), for that is what cuDNN's engines look for. Internal to backends/cuda.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>

#include "backends/cuda/cudnn_graph.h"

namespace lq::backends::cuda {

// All that a plan depends on.
struct CudnnAttentionKey {
  bool backward = false;
  std::int64_t batch = 0;                // sequences
  std::int64_t q_rows = 0, kv_rows = 0;  // at least as many as the longest has
  std::int64_t heads = 0, kv_heads = 0;  // of this call
  std::int64_t width = 0, kv_width = 0;  // elements from token to token
  std::int64_t head_dim = 0;
  std::int64_t window = 0;
  float scale = 1.0F, soft_cap = 0.0F;
  bool causal = true;
  // The last query sees the last key; else the first one sees the first, which is the same where a sequence
  // has as many queries as keys.
  bool ends_meet = false;

  auto operator<=>(const CudnnAttentionKey&) const = default;
};

// Tensors by their ids. Queries, keys and their like are bf16, [token, head * head_dim]; sequence i begins at
// the element that the offsets say. kStats: [token, head] f32. kRowSums: [batch, heads, q_rows] f32.
enum class CudnnAttentionTensor : std::int64_t {
  kQ = 1,
  kK,
  kV,
  kOut,
  kStats,
  kDout,
  kDq,
  kDk,
  kDv,
  kRowSums,
  kQOffsets,  // [batch + 1] i32, elements of q
  kKvOffsets,
  kStatsOffsets,
  kQLengths,  // [batch] i32
  kKvLengths
};

// Forward reads q, k, v, makes out and stats (log-sums); backward reads those and dout, makes dq, dk, dv and
// row sums. The same bits in every run. Throws Error(kUnsupported) where cuDNN refuses.
std::unique_ptr<CudnnPlan> plan_attention(const CudnnCalls& calls, void* handle,
                                          const CudnnAttentionKey& key);

}  // namespace lq::backends::cuda
