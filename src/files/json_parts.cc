#include "files/json_parts.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {

nlohmann::json parts_to_json(std::string_view text) {
  nlohmann::json parts = nlohmann::json::array();
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string part(text.substr(begin, end - begin));
    std::int64_t number = 0;
    std::from_chars(part.data(), part.data() + part.size(), number);
    if (std::to_string(number) == part) {
      parts.push_back(number);
    } else {
      parts.push_back(part);
    }
    begin = end + 1;
  }
  return parts;
}

std::string parts_from_json(const nlohmann::json& json, std::string_view who) {
  const auto is_part = [](const nlohmann::json& part) {
    if (!part.is_string()) return part.is_number_integer();
    const auto& text = part.get_ref<const std::string&>();
    return !text.empty() && text.find_first_of(", ") == std::string::npos;
  };
  LQ_CHECK(json.is_array() && !json.empty() && std::all_of(json.begin(), json.end(), is_part), kCorruptFile,
           "{}: {} is not an array of numbers and names such as [3, 8, \"fp32\", 64, 256]", who,
           json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace).substr(0, 100));
  std::string text;
  for (const nlohmann::json& part : json) {
    if (!text.empty()) text += ',';
    text += part.is_string() ? part.get<std::string>() : part.dump();
  }
  return text;
}

}  // namespace lq
