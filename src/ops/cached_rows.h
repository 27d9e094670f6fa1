// The rows that a pass adds to the keys and values of the tokens before it.
#pragma once

#include "ops/attention.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

// The last s.q_count of the first s.kv_count rows of keys and values = k and v.   k, v: [q_count, width];
// keys, values: [kv_count, width].
void append_rows(Context& ctx, const AttentionSegment& s, ConstMatrix k, ConstMatrix v, Matrix keys,
                 Matrix values);

}  // namespace lq
