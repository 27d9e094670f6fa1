// What a fine-tuning depends on besides its options, as hashes for the job's identity (FinetuneSources).
#pragma once

#include <string>
#include <vector>

#include "data/encode_example.h"
#include "models/model.h"

namespace lq {

// What the examples are, whatever files and flags they came from.
std::string hash_of_examples(const std::vector<EncodedExample>& examples);

// Of what the run starts from besides the base: low-rank parts, and the weights of these names, which an
// adapter has replaced. "none" where there is neither.
std::string hash_of_start(Model& model, const std::vector<std::string>& replaced);

}  // namespace lq
