// What a model's config.json says about the numbers that it computes, as a hash.
#pragma once

#include <string>

#include "files/json_object.h"

namespace lq {

// Equal for configs that differ only in the order of their keys and in keys that change no number of a pass
// of any model (names, versions, dropout, tokens that are no input).
std::string computing_config_hash(const JsonObject& config);

}  // namespace lq
