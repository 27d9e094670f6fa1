// Llama 1-3, TinyLlama and SmolLM2, Mistral (windows), Qwen2 (biases of q, k, v): RMS norms before attention
// and a gated MLP, rotary positions.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> llama();

}  // namespace lq::families
