// How unlike two names are, for "did you mean".
#pragma once

#include <cstddef>
#include <string_view>

namespace lq {

// The least number of bytes to insert, remove or change that makes b of a (Levenshtein 1966).
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace lq
