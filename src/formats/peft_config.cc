#include "formats/peft_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <span>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_object.h"
#include "unicode/module_pattern.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::int64_t kRankLimit = 1 << 20;
constexpr double kAlphaLimit = 1e9;

// Keys that change what the adapter computes, or which base it belongs to, in ways that this program does not
// follow. Their harmless values are null, false and empty.
constexpr const char* kRefusedKeys[] = {
    "use_qalora",
    "use_bdlora",
    "layer_replication",
    "lora_bias",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "monteclora_config",
    "kasa_config",
    "velora_config",
    "arrow_config",
};

// Keys that say how the adapter was made or where it came from, and those that PeftConfig::targets() reads.
constexpr const char* kIgnoredKeys[] = {
    "auto_mapping",    "base_model_class", "corda_config",      "enable_lora",    "eva_config",
    "exclude_modules", "inference_mode",   "init_lora_weights", "layers_pattern", "layers_to_transform",
    "loftq_config",    "lora_ga_config",   "megatron_config",   "megatron_core",  "merge_weights",
    "parent_library",  "peft_version",     "qalora_group_size", "revision",       "runtime_config",
    "unsloth_fixed",
};

// Keys with a field of their own in PeftConfig.
constexpr const char* kOwn[] = {
    "peft_type",     "task_type",    "base_model_name_or_path", "r",
    "lora_alpha",    "lora_dropout", "target_modules",          "rank_pattern",
    "alpha_pattern", "use_rslora",   "fan_in_fan_out",          "modules_to_save",
    "bias",          "use_dora",     "ensure_weight_tying",
};

bool is_among(std::span<const char* const> keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool is_off(const OrderedJson& value) {
  return value.is_null() || value == false || (value.is_structured() && value.empty());
}

void refuse_unsupported(const JsonObject& config) {
  const std::string type = config.text("peft_type");
  LQ_CHECK(type == "LORA", kUnsupported, "{}: peft_type '{}' is not supported (expected LORA)", config.who(),
           printable(type));
  for (const char* key : kRefusedKeys) {
    LQ_CHECK(!config.has(key) || is_off(config.json()[key]), kUnsupported, "{}: '{}' is not supported",
             config.who(), key);
  }
  for (const auto& [key, value] : config.json().items()) {
    LQ_CHECK(is_off(value) || is_among(kOwn, key) || is_among(kIgnoredKeys, key), kUnsupported,
             "{}: '{}' is set, but this program does not know the key, which may change what the adapter "
             "computes",
             config.who(), printable(key));
  }
  // These initializations also change the base's weights, so the adapter does not fit the base as published.
  if (config.has("init_lora_weights") && config.json()["init_lora_weights"].is_string()) {
    const std::string written = config.text("init_lora_weights");
    std::string init = written;
    for (char& c : init) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);  // as PEFT compares
    LQ_CHECK(!init.starts_with("pissa") && init != "olora" && init != "corda" && init != "lora_ga" &&
                 init != "loftq",
             kUnsupported, "{}: init_lora_weights '{}' changes the base's weights and is not supported",
             config.who(), printable(written));
  }
}

// Whether PEFT's "(.*\.)?(KEY)$" matches the module.
bool pattern_matches(std::string_view key, std::string_view module) {
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (!plain) {
    return ModulePattern(fmt::format("(?:.*\\.)?(?:{})", key), "[peft] adapter_config.json").matches(module);
  }
  // Without a special character but the dot, which stands for any one character.
  if (key.size() > module.size()) return false;
  const std::size_t start = module.size() - key.size();
  if (start > 0 && module[start - 1] != '.') return false;
  return std::equal(key.begin(), key.end(), module.begin() + static_cast<std::ptrdiff_t>(start),
                    [](char k, char m) { return k == m || k == '.'; });
}

template <typename Value>
Value by_pattern(const std::vector<std::pair<std::string, Value>>& patterns, std::string_view module,
                 Value otherwise) {
  for (const auto& [key, value] : patterns) {
    if (pattern_matches(key, module)) return value;
  }
  return otherwise;
}

std::string_view last_part(std::string_view module) {
  const std::size_t dot = module.rfind('.');
  return dot == std::string_view::npos ? module : module.substr(dot + 1);
}

}  // namespace

PeftConfig PeftConfig::load(const std::filesystem::path& file) {
  const JsonObject config = JsonObject::load(file);
  return from(config);
}

PeftConfig PeftConfig::parse(std::string_view text, const std::string& who) {
  return from(JsonObject::parse(text, who));
}

PeftConfig PeftConfig::from(const JsonObject& config) {
  refuse_unsupported(config);
  PeftConfig out;
  out.r = config.integer_or("r", out.r, 1, kRankLimit);
  out.alpha = config.number_or("lora_alpha", out.alpha, 0, kAlphaLimit);
  out.dropout = config.number_or("lora_dropout", 0, 0, 1);
  if (config.has("target_modules") && config.json()["target_modules"].is_string()) {
    out.target_regex = config.text("target_modules");
  } else {
    out.target_modules = config.texts("target_modules");
    std::sort(out.target_modules.begin(), out.target_modules.end());
  }
  if (const auto section = config.section_if("rank_pattern")) {
    for (const auto& [key, value] : section->json().items()) {
      out.rank_pattern.emplace_back(key, section->integer(key, 1, kRankLimit));
    }
  }
  if (const auto section = config.section_if("alpha_pattern")) {
    for (const auto& [key, value] : section->json().items()) {
      out.alpha_pattern.emplace_back(key, section->number(key, 0, kAlphaLimit));
    }
  }
  out.use_rslora = config.boolean_or("use_rslora", false);
  out.fan_in_fan_out = config.boolean_or("fan_in_fan_out", false);
  out.use_dora = config.boolean_or("use_dora", false);
  out.bias = config.text_or("bias", "none");
  LQ_CHECK(out.bias == "none" || out.bias == "lora_only" || out.bias == "all", kUnsupported,
           "{}: bias '{}' is not supported (expected none, lora_only or all)", config.who(),
           printable(out.bias));
  out.ensure_weight_tying = config.boolean_or("ensure_weight_tying", false);
  out.modules_to_save = config.texts("modules_to_save");
  out.base_model = config.text_or("base_model_name_or_path", "");
  out.task_type = config.text_or("task_type", "");
  for (const auto& [key, value] : config.json().items()) {
    if (!is_among(kOwn, key)) out.other[key] = value;
  }
  return out;
}

nlohmann::ordered_json PeftConfig::to_json() const {
  // A whole alpha is written as an integer: PEFT declares it as one.
  const auto as_number = [](double x) {
    return x == std::floor(x) ? OrderedJson(static_cast<std::int64_t>(x)) : OrderedJson(x);
  };
  const auto or_null = [](const std::string& s) { return s.empty() ? OrderedJson() : OrderedJson(s); };
  OrderedJson json;
  json["peft_type"] = "LORA";
  json["task_type"] = or_null(task_type);
  json["base_model_name_or_path"] = or_null(base_model);
  json["r"] = r;
  json["lora_alpha"] = as_number(alpha);
  json["lora_dropout"] = dropout;
  json["target_modules"] = target_regex.empty() ? OrderedJson(target_modules) : OrderedJson(target_regex);
  json["rank_pattern"] = OrderedJson::object();
  for (const auto& [key, value] : rank_pattern) json["rank_pattern"][key] = value;
  json["alpha_pattern"] = OrderedJson::object();
  for (const auto& [key, value] : alpha_pattern) json["alpha_pattern"][key] = as_number(value);
  json["use_rslora"] = use_rslora;
  json["fan_in_fan_out"] = fan_in_fan_out;
  json["use_dora"] = use_dora;
  json["bias"] = bias;
  json["modules_to_save"] = modules_to_save.empty() ? OrderedJson() : OrderedJson(modules_to_save);
  if (ensure_weight_tying) json["ensure_weight_tying"] = true;
  json["inference_mode"] = true;
  json["init_lora_weights"] = true;
  for (const auto& [key, value] : other.items()) json[key] = value;
  return json;
}

namespace {

// Whether a module is one of these, or its name ends with one.
bool is_one_of(std::string_view module, const OrderedJson& list) {
  return std::ranges::any_of(list, [&](const OrderedJson& one) {
    if (!one.is_string()) return false;
    const auto& name = one.get_ref<const std::string&>();
    return module == name || (module.size() > name.size() && module.ends_with(name) &&
                              module[module.size() - name.size() - 1] == '.');
  });
}

// The number of the module's layer as PEFT finds it: the last part that is all digits, behind two others at
// least, the nearer of which is one of `names` (empty: any), and before another.
std::optional<std::int64_t> layer_in(std::string_view module, const OrderedJson& names) {
  std::optional<std::int64_t> layer;
  std::string_view before, rest = module;
  for (int part = 0;; ++part) {
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) return layer;
    const std::string_view word = rest.substr(0, dot);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool digits = error == std::errc() && end == word.data() + word.size() && word.front() != '-';
    if (digits && part >= 2 && (names.empty() || is_one_of(before, names))) layer = number;
    before = word;
    rest.remove_prefix(dot + 1);
  }
}

OrderedJson list_of(const OrderedJson& other, const char* key) {
  const auto at = other.find(key);
  if (at == other.end() || at->is_null()) return OrderedJson::array();
  return at->is_array() ? *at : OrderedJson::array({*at});
}

}  // namespace

bool PeftConfig::targets(std::string_view module) const {
  const auto excluded = other.find("exclude_modules");
  if (excluded != other.end() && excluded->is_string()) {
    const auto& pattern = excluded->get_ref<const std::string&>();
    if (ModulePattern(pattern, "[peft] exclude_modules").matches(module)) return false;
  } else if (is_one_of(module, list_of(other, "exclude_modules"))) {
    return false;
  }
  if (target_regex == "all-linear") return true;
  if (!target_regex.empty()) return ModulePattern(target_regex, "[peft] target_modules").matches(module);
  if (std::ranges::find(target_modules, module) != target_modules.end()) return true;
  if (!is_one_of(module, OrderedJson(target_modules))) return false;
  const OrderedJson layers = list_of(other, "layers_to_transform");
  if (layers.empty()) return true;
  const auto layer = layer_in(module, list_of(other, "layers_pattern"));
  return layer && std::ranges::find(layers, OrderedJson(*layer)) != layers.end();
}

bool PeftConfig::saves(std::string_view module) const {
  return std::any_of(modules_to_save.begin(), modules_to_save.end(),
                     [&](const std::string& name) { return module.ends_with(name); });
}

std::int64_t PeftConfig::rank_of(std::string_view module) const {
  return by_pattern(rank_pattern, module, r);
}

double PeftConfig::alpha_of(std::string_view module) const {
  return by_pattern(alpha_pattern, module, alpha);
}

double PeftConfig::scaling_of(std::string_view module) const {
  const auto rank = static_cast<double>(rank_of(module));
  return alpha_of(module) / (use_rslora ? std::sqrt(rank) : rank);
}

std::vector<std::string> minimal_targets(const std::vector<std::string>& adapted,
                                         const std::vector<std::string>& all) {
  const std::set<std::string_view> wanted(adapted.begin(), adapted.end());
  // Last parts that some module bears which must not be adapted.
  std::set<std::string_view> taken;
  for (const std::string& module : all) {
    if (!wanted.contains(module)) taken.insert(last_part(module));
  }
  std::set<std::string> targets;
  for (const std::string& module : adapted) {
    const std::string_view part = last_part(module);
    // Nothing is known of other modules when `all` is empty: only full names are safe then.
    targets.emplace(all.empty() || taken.contains(part) ? std::string_view(module) : part);
  }
  return {targets.begin(), targets.end()};
}

std::vector<std::string> minimal_saved(const std::vector<std::string>& saved,
                                       const std::vector<std::string>& all) {
  const std::set<std::string_view> wanted(saved.begin(), saved.end());
  std::set<std::string> entries;
  for (const std::string& module : saved) {
    const std::string_view part = last_part(module);
    const bool only_wanted =
        !all.empty() && std::all_of(all.begin(), all.end(), [&](const std::string& other) {
          return !other.ends_with(part) || wanted.contains(other);
        });
    entries.emplace(only_wanted ? part : std::string_view(module));
  }
  return {entries.begin(), entries.end()};
}

}  // namespace lq
