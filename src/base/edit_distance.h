// How unlike two names are, for "did you mean".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

// The least number of bytes to insert, remove or change that makes b of a (Levenshtein 1966).
std::size_t edit_distance(std::string_view a, std::string_view b);

// " (did you mean 'NAME'?)" of the first of the names that are least unlike the word, where that is at most
// two edits; else nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace lq
