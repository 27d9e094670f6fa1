// What is not the same in two jobs, for a message to their user.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lq {

// "bits was 3, now 4; seed was 0, now not given": at most four of them, then "...". Empty where nothing
// differs.
std::string json_differences(const nlohmann::json& before, const nlohmann::json& now);

}  // namespace lq
