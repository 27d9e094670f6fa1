// The dense tensors that an exported model has, with what an adapter makes of them.
#pragma once

#include <vector>

#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "tensor/context.h"

namespace lq {

struct DensePart {
  TensorSpec spec;
  const TensorView* from = nullptr;  // the model's tensor, or the adapter's in its place; never null
  bool replaced = false;             // it is the adapter's
  const LoraPair* pair = nullptr;    // merged into it; null: none
  bool embedding = false;            // the pair is one of an embedding

  bool as_stored() const { return !replaced && pair == nullptr; }
  // In f32. REQUIRES: not as_stored().
  Tensor merged(Context& context) const;
};

struct DenseParts {
  std::vector<DensePart> parts;
  bool unties = false;  // the model shared the embedding as its head; these have two tensors
};

// merged: the adapter that the tensors take in, checked against the model; null: none. Where it changes one
// of embedding and head that the model has as one, as PEFT does (Model::load_adapter), both are there.
DenseParts dense_parts(const PackedCheckpoint& packed, const PeftAdapterReader* merged);

// Whole tensors of the adapter for an adapter of the same base: what takes the place of a tensor that
// embedding and head share stands under both names, unless a low-rank part is beside one of them.
struct KeptTensor {
  std::string name;
  const TensorView* view = nullptr;
};
std::vector<KeptTensor> kept_tensors(const PackedCheckpoint& packed, const PeftAdapterReader& adapter);

}  // namespace lq
