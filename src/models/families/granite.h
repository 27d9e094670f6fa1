// Granite 3: a Llama with a multiplier of embeddings, scores, branches and logits each.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> granite();

}  // namespace lq::families
