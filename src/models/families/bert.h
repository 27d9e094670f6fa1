// BERT (Devlin et al. 2019), and sentence encoders of its form (MiniLM): layer norms after the sub-layers,
// learned positions, two token types.
#pragma once

#include <string>
#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> bert();

// Names of the body as BERT's checkpoints have them, behind `body` ("bert."); heads are to be added.
TensorNames bert_body_names(const std::string& body);

}  // namespace lq::families
