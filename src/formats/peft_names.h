// How PEFT names the tensors of an adapter, for its reader and its writer.
#pragma once

#include <string_view>

namespace lq::peft_names {

inline constexpr std::string_view kPrefix = "base_model.model.";
inline constexpr std::string_view kA = ".lora_A.weight";
inline constexpr std::string_view kB = ".lora_B.weight";
inline constexpr std::string_view kEmbeddingA = ".lora_embedding_A";
inline constexpr std::string_view kEmbeddingB = ".lora_embedding_B";
inline constexpr std::string_view kMagnitude = ".lora_magnitude_vector";
inline constexpr std::string_view kBaseLayer = ".base_layer";
inline constexpr std::string_view kBias = ".bias";

}  // namespace lq::peft_names
