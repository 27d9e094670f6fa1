// A low-rank part merged into the weight that it is beside.
#pragma once

#include "formats/peft_adapter.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

// w: [out, in], f32 and owned. w += scaling * B A; with a magnitude each row then gets that length.
void merge_low_rank(Context& context, const LoraPair& pair, Tensor& w);

// table: [vocabulary, width], f32 and owned. table += scaling * (B A)^T; with a magnitude each column then
// gets that length.
void merge_low_rank_of_embedding(Context& context, const LoraPair& pair, Tensor& table);

}  // namespace lq
