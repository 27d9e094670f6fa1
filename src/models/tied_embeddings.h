// Whether a model's vocabulary projection is its embedding table, as transformers decides it.
#pragma once

#include "formats/checkpoint_reader.h"
#include "models/model_spec.h"

namespace lq {

// A family's names as this checkpoint has them: without their body's prefix (TensorNames::body) where the
// embedding lies under its name without it. An encoder's head may have its bias under its own name too
// ("cls.predictions.decoder.bias" beside "cls.predictions.bias"): transformers multiplies with that one.
TensorNames names_in(const CheckpointReader& reader, const TensorNames& names);

// config_tied: what config.json says. A file that has both tensors although they should be one, and whose
// head differs, keeps its head (a merged adapter makes such files). Reads both where both are there.
bool shares_embeddings(const CheckpointReader& reader, const TensorNames& names, bool config_tied);

// The tensor that the embedding table is read from: the table, or the head of a tied model that was saved
// with its head alone. Throws Error(kNotFound) where there is neither.
const TensorView& embedding_tensor(const CheckpointReader& reader, const TensorNames& names, bool tied);

}  // namespace lq
