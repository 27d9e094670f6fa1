#include "models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace lq {
namespace {

constexpr std::array<std::string_view, 3> kLlamaArchitectures = {"LlamaForCausalLM", "MistralForCausalLM",
                                                                 "Qwen2ForCausalLM"};
constexpr std::array<std::string_view, 3> kLlamaTypes = {"llama", "mistral", "qwen2"};

}  // namespace

ModelFamily model_family(const JsonObject& config) {
  const std::vector<std::string> names = config.texts("architectures");
  for (const auto& name : names) {
    if (std::ranges::find(kLlamaArchitectures, name) != kLlamaArchitectures.end()) return ModelFamily::kLlama;
  }
  const std::string type = config.text_or("model_type", "");
  if (names.empty() && std::ranges::find(kLlamaTypes, type) != kLlamaTypes.end()) return ModelFamily::kLlama;
  fail(ErrorCode::kUnsupported, "{}: architecture {} is not one that this program computes (known: {})",
       config.who(), names.empty() ? fmt::format("of model_type \"{}\"", type) : fmt::format("{}", names),
       fmt::join(kLlamaArchitectures, ", "));
}

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
