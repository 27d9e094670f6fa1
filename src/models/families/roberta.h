// RoBERTa (Liu et al. 2019) and XLM-RoBERTa: BERT's block; positions begin behind the padding token's number,
// a head with a dense layer of its own for labels.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> roberta();

}  // namespace lq::families
