// Architectures whose files name or lay out their weights otherwise than the layers of the language model
// that this program computes: what CheckpointReader makes of them, and what writers make undone.
//   GPT-2          names may lack "transformer."; weights of its Conv1D lie [inputs, outputs]; buffers of the
//                  causal mask are no weights
//   with images    (Gemma3ForConditionalGeneration) the language model's own config.json and tensors, by the
//                  names that it has alone; the rest is left aside
//   experts        one stack [experts, rows, cols] for all experts of a layer becomes a matrix for each; of
//                  gpt-oss transposed, gate and up by turns, with biases, in MXFP4 (gpt_oss_layout.h)
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "files/json_object.h"
#include "formats/gpt_oss_layout.h"
#include "tensor/tensor_view.h"

namespace lq {

// The config.json of the language model within a model of several parts; nothing for other models. Throws
// Error(kUnsupported) naming a key that the whole model and the language model alone take differently.
std::optional<JsonObject> language_model_config(const JsonObject& config);

// What stands in place of "model." in the names of the language model within a model with images.
inline constexpr std::string_view kWithinImages = "model.language_model.";
// This, or what transformers wrote before, where the name begins so; else empty.
std::string_view language_model_prefix(std::string_view name);

// In place of the tensors in the files, in their order. `config`: of the whole model, as in the file. Throws
// Error(kCorruptFile) starting with `who` for a stack of another shape than it must have.
std::vector<TensorView> own_layout(const JsonObject& config, std::vector<TensorView> views,
                                   std::string_view who);

// Where this tensor stands in the model's files, where those have it within a stack of the experts'; nothing
// where they have it alone, or where the experts may stand one by one.
std::optional<ExpertPlace> expert_place(const JsonObject& config, std::string_view name);

// Whether the model's files hold this weight [inputs, outputs].
bool lies_transposed(const JsonObject& config, std::string_view weight);
// The shape that the files have it in, and its elements in that order.
Shape stored_shape(const JsonObject& config, std::string_view weight, const Shape& shape);
Tensor stored_values(const JsonObject& config, std::string_view weight, Tensor values);

}  // namespace lq
