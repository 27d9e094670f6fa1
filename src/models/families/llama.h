// Llama 1-3, TinyLlama, SmolLM2, Mistral and Qwen2: RMS norms before attention and a gated MLP, rotary
// positions.
#pragma once

#include "models/registry.h"

namespace lq::families {

ModelFamily llama();

}  // namespace lq::families
