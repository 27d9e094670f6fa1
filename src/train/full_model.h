// Full fine-tuning: every parameter of a dense model learns, and a whole model is written instead of an
// adapter.
#pragma once

#include <filesystem>
#include <vector>

#include "formats/safetensors_writer.h"
#include "models/model.h"

namespace lq {

// Makes all parameters of the model learn. Returns how they are written: names, shapes in the model, and f32,
// whatever the model was stored as, for bf16 keeps little of what a small learning rate changes. Throws
// Error(kInvalidArgument) for a packed model.
std::vector<TensorSpec> train_all_parameters(Model& model);

// The names of its classes, in a config.json of a model with a head over sequences; empty: by their numbers.
// (A model that only predicts tokens has none.)
using LabelNames = std::vector<std::string>;

// Writes the parameters as a dense Hugging Face directory into an existing folder: weights, config.json and
// the side files of where it was loaded from. Throws Error(kIo).
void write_full_model(Model& model, const std::vector<TensorSpec>& specs,
                      const std::filesystem::path& directory, const LabelNames& labels = {});

}  // namespace lq
