#include "models/config_hash.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "models/families/config_keys.h"

namespace lq {

std::string computing_config_hash(const JsonObject& config) {
  nlohmann::json sorted = nlohmann::json::object();
  for (const auto& [key, value] : config.json().items()) {
    if (!families::changes_no_number(key)) sorted[key] = value;
  }
  return hash_hex(sorted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace lq
