// Text of parts with commas between, as a JSON array and back: "3,8,fp32,64,256" and [3, 8, "fp32", 64, 256].
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace lq {

// Parts that are whole numbers in their shortest form become numbers, the others strings.
nlohmann::json parts_to_json(std::string_view text);
// Throws Error(kCorruptFile) starting with `who` unless `json` is an array of at least one whole number or
// string, no string with a comma or a blank in it, or none at all.
std::string parts_from_json(const nlohmann::json& json, std::string_view who);

}  // namespace lq
