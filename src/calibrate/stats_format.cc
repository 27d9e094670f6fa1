#include "calibrate/stats_format.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/json_file.h"
#include "files/json_object.h"

namespace lq {

std::string stats_modules_to_text(const StatsModules& modules) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, m] : modules) json[name] = {{"shape", {m.rows, m.cols}}, {"input", m.input}};
  return json.dump();
}

StatsModules stats_modules_from_text(std::string_view text, std::string_view who) {
  constexpr std::int64_t kMost = (std::int64_t{1} << 30) - 1;
  StatsModules modules;
  const JsonObject all = JsonObject::record(parse_json(text, who), std::string(who));
  for (const auto& [name, entry] : all.json().items()) {
    const JsonObject module = all.section(name);
    const std::vector<std::int64_t> shape = module.integers("shape", 1, kMost);
    LQ_CHECK(shape.size() == 2, kCorruptFile, "{}: module {}: 'shape' is not [rows, cols]", who, name);
    modules[name] = {shape[0], shape[1], module.text("input")};
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
