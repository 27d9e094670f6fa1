// DistilBERT (Sanh et al. 2019): BERT's block under other names, without token types.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> distilbert();

}  // namespace lq::families
