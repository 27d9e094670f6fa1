#include "models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "models/families/llama.h"

namespace lq {
namespace {

const std::vector<ModelFamily>& table() {
  static const std::vector<ModelFamily> families = {families::llama()};
  return families;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

const ModelFamily& model_family(const JsonObject& config) {
  const std::vector<std::string> names = config.texts("architectures");
  const std::string type = config.text_or("model_type", "");
  std::vector<std::string> known;
  for (const ModelFamily& family : table()) {
    for (const auto& name : names) {
      if (has(family.architectures, name)) return family;
    }
    if (names.empty() && has(family.model_types, type)) return family;
    known.insert(known.end(), family.architectures.begin(), family.architectures.end());
  }
  fail(ErrorCode::kUnsupported, "{}: architecture {} is not one that this program computes (known: {})",
       config.who(), names.empty() ? fmt::format("of model_type \"{}\"", type) : fmt::format("{}", names),
       fmt::join(known, ", "));
}

ModelSpec model_spec(const JsonObject& config) { return model_family(config).spec(config); }

const std::vector<std::string>& block_linear_names() {
  static const std::vector<std::string> names = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                                 "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                                 "mlp.down_proj"};
  return names;
}

std::vector<std::string> block_linear_modules(const JsonObject& config) {
  model_family(config);
  const std::int64_t layers = config.integer("num_hidden_layers", 1, 10000);
  std::vector<std::string> modules;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (const auto& name : block_linear_names()) {
      modules.push_back(fmt::format("model.layers.{}.{}", layer, name));
    }
  }
  return modules;
}

}  // namespace lq
