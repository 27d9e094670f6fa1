// Names of choices in JSON. A choice is a name here and nothing more; what it means is for those who
// quantize. A name of parts with commas between and no blank, "3,8,fp32,64,256", stands as the array [3, 8,
// "fp32", 64, 256]; any other, "int-row 4", as a string.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace lq {

nlohmann::json choice_name_to_json(std::string_view name);
// Either form. Throws Error(kCorruptFile) starting with `who` for anything else, and an empty name.
std::string choice_name_from_json(const nlohmann::json& json, std::string_view who);

}  // namespace lq
