// Qwen3, dense: Llama's block with queries and keys normalized head by head, and a head_dim of its own.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> qwen3();

}  // namespace lq::families
