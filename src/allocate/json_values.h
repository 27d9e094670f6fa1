// Values of error tables' and allocations' JSON, with errors that name the file and the key.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lq {

// The text under key; "" where it is missing or null. Throws kCorruptFile, naming who, where it is of another
// type.
std::string text_at(const nlohmann::json& object, const char* key, std::string_view who);

}  // namespace lq
