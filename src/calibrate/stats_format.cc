#include "calibrate/stats_format.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/json_file.h"

namespace lq {

std::string stats_modules_to_text(const StatsModules& modules) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, m] : modules) json[name] = {{"shape", {m.rows, m.cols}}, {"input", m.input}};
  return json.dump();
}

StatsModules stats_modules_from_text(std::string_view text, std::string_view who) {
  const nlohmann::json json = parse_json(text, who);
  LQ_CHECK(json.is_object(), kCorruptFile, "{}: \"modules\" is no JSON object", who);
  StatsModules modules;
  for (const auto& [name, entry] : json.items()) {
    const bool good = entry.is_object() && entry.contains("shape") && entry["shape"].is_array() &&
                      entry["shape"].size() == 2 && entry["shape"][0].is_number_unsigned() &&
                      entry["shape"][1].is_number_unsigned() && entry.contains("input") &&
                      entry["input"].is_string();
    LQ_CHECK(good, kCorruptFile, "{}: module {} needs {{\"shape\": [rows, cols], \"input\": module}}", who,
             name);
    const auto rows = entry["shape"][0].get<std::uint64_t>();
    const auto cols = entry["shape"][1].get<std::uint64_t>();
    LQ_CHECK(rows > 0 && cols > 0 && rows < (1U << 30) && cols < (1U << 30), kCorruptFile,
             "{}: module {} has an impossible shape [{}, {}]", who, name, rows, cols);
    modules[name] = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(cols),
                     entry["input"].get<std::string>()};
  }
  for (const auto& [name, m] : modules) {
    const auto owner = modules.find(m.input);
    LQ_CHECK(owner != modules.end() && owner->second.cols == m.cols && owner->second.input == m.input,
             kCorruptFile, "{}: module {} shares the input of {}, which is no owner of an input of {} values",
             who, name, m.input, m.cols);
  }
  return modules;
}

}  // namespace lq
