// What attention is over, as every device takes it.
#pragma once

#include <cstdint>

namespace lq::backends {

// One sequence: its queries are rows [q_begin, q_begin + q_count) of q, its keys rows [kv_begin, kv_begin +
// kv_count) of k and v. The queries are the last q_count of its positions, so query i sees keys up to
// kv_count - q_count + i (all of them where attention is not causal).
struct AttentionSegment {
  std::int64_t q_begin = 0;
  std::int64_t q_count = 0;
  std::int64_t kv_begin = 0;
  std::int64_t kv_count = 0;
};

struct AttentionShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;  // divides heads; query head h reads key head h / (heads / kv_heads)
  std::int64_t head_dim = 0;
  std::int64_t window = 0;  // a query sees its own position and window - 1 before it; 0: all of them
  float scale = 1.0F;       // on the scores; usually 1 / sqrt(head_dim)
  float soft_cap = 0.0F;    // scores become cap * tanh(score / cap); 0: not
  bool causal = true;       // false: every query sees its whole sequence. REQUIRES then: no window
};

}  // namespace lq::backends
