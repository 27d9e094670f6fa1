// What is checked of a model before any work on it: that this program computes it, and that config.json and
// the tensors tell of the same model.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/json_object.h"
#include "formats/checkpoint_reader.h"
#include "models/model_spec.h"

namespace lq {

// Throws Error(kUnsupported) for the first value of the spec that TransformerBlock or Model does not compute:
// "WHO: attention.soft_cap is 50 in layer 0, which this program does not compute".
void refuse_uncomputed(const ModelSpec& spec, std::string_view who);

// Throws Error(kUnsupported) for an encoder: "WHO: an encoder reads whole sequences and cannot DO".
void refuse_encoder(const ModelSpec& spec, std::string_view who, std::string_view what);

struct NamedShape {
  std::string name;
  Shape shape;
};

// Every tensor of the spec must be there in its shape, and every layer of the config in the file. Layers of
// the file beyond the config's are not the model's (heads for several tokens, pruned configs) and pass.
// Throws, naming `who` (the checkpoint), the tensor and what config.json makes it: Error(kNotFound) for a
// missing one, Error(kMismatch) for another shape, and for fewer layers in the file than num_hidden_layers.
void check_model_config(const ModelSpec& spec, const TensorNames& names, std::span<const NamedShape> tensors,
                        std::string_view who);

// Names of tensors in the config's layers that the spec does not use, but for buffers that older files hold
// (angles of rotation, masks).
std::vector<std::string> unused_block_tensors(const ModelSpec& spec, const TensorNames& names,
                                              std::span<const NamedShape> tensors);

// check_model_config() for a dense checkpoint: config.json read by its family and compared. Nothing where the
// architecture is not a known one: such a checkpoint can be quantized all the same.
void check_model_config(const JsonObject& config, const CheckpointReader& tensors);

}  // namespace lq
