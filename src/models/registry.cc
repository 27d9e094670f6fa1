#include "models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "models/families/bert.h"
#include "models/families/distilbert.h"
#include "models/families/gemma.h"
#include "models/families/gpt2.h"
#include "models/families/gpt_oss.h"
#include "models/families/granite.h"
#include "models/families/llama.h"
#include "models/families/moe.h"
#include "models/families/olmo2.h"
#include "models/families/phi3.h"
#include "models/families/qwen3.h"
#include "models/families/roberta.h"
#include "models/families/smollm3.h"
#include "models/model_check.h"

namespace lq {
namespace {

const std::vector<ModelFamily>& table() {
  static const std::vector<ModelFamily> kFamilies = [] {
    std::vector<ModelFamily> all;
    for (const auto& entries :
         {families::llama(), families::qwen3(), families::gemma(), families::gpt2(), families::phi3(),
          families::smollm3(), families::olmo2(), families::granite(), families::moe(), families::gpt_oss(),
          families::bert(), families::roberta(), families::distilbert()}) {
      all.insert(all.end(), entries.begin(), entries.end());
    }
    return all;
  }();
  return kFamilies;
}

}  // namespace

const ModelFamily* find_model_family(const JsonObject& config) {
  const std::vector<std::string> names = config.texts("architectures");
  const std::string type = config.text_or("model_type", "");
  for (const std::string& name : names) {
    for (const ModelFamily& family : table()) {
      if (std::ranges::find(family.architectures, name) != family.architectures.end()) return &family;
    }
  }
  if (!names.empty()) return nullptr;
  const auto at = std::ranges::find(table(), type, &ModelFamily::model_type);
  return at == table().end() ? nullptr : &*at;
}

// Transformers computes what model_type says, whatever name stands in the list of architectures.
void check_model_type(const JsonObject& config, const ModelFamily& family) {
  const std::string type = config.text_or("model_type", "");
  const bool known = std::ranges::find(table(), type, &ModelFamily::model_type) != table().end();
  LQ_CHECK(!known || family.model_type == type, kUnsupported,
           "{}: architectures says {}, but model_type says {}: the two are different models", config.who(),
           family.architectures.front(), type);
}

const ModelFamily& model_family(const JsonObject& config) {
  if (const ModelFamily* family = find_model_family(config)) {
    check_model_type(config, *family);
    return *family;
  }
  const std::vector<std::string> names = config.texts("architectures");
  std::vector<std::string> known;
  for (const ModelFamily& family : table()) known.push_back(family.architectures.front());
  fail(ErrorCode::kUnsupported, "{}: architecture {} is not one that this program computes (known: {})",
       config.who(),
       names.empty() ? fmt::format("of model_type \"{}\"", config.text_or("model_type", ""))
                     : fmt::format("{}", names),
       fmt::join(known, ", "));
}

ModelSpec model_spec(const JsonObject& config) {
  ModelSpec spec = model_family(config).spec(config);
  const bool causal = config.boolean_or("is_causal", !spec.encoder());
  LQ_CHECK(causal != spec.encoder(), kUnsupported,
           "{}: is_causal is {}, which this program does not compute for {}", config.who(), causal,
           spec.encoder() ? "an encoder" : "a decoder");
  LQ_CHECK(!config.has("per_layer_config") || config.any("per_layer_config").empty(), kUnsupported,
           "{}: per_layer_config gives single layers keys of their own, which this program does not compute",
           config.who());
  refuse_uncomputed(spec, config.who());
  return spec;
}

std::vector<FusedModule> fused_modules(const JsonObject& config) {
  const TensorNames& names = model_family(config).names;
  const ModelSpec spec = model_spec(config);
  std::vector<FusedModule> all;
  const auto add = [&](Role whole, std::int64_t layer,
                       std::initializer_list<std::pair<Role, std::int64_t>> parts) {
    FusedModule fused{names.module(whole, layer), 0, {}};
    for (const auto& [role, rows] : parts) {
      if (!names.modules.contains(role)) return;
      fused.parts.push_back({names.module(role, layer), fused.rows, rows});
      fused.rows += rows;
    }
    all.push_back(std::move(fused));
  };
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer) {
    const BlockSpec& b = spec.blocks[static_cast<std::size_t>(layer)];
    const AttentionSpec& a = b.attention;
    const std::int64_t kv = a.kv_heads * a.head_dim;
    if (a.fused_qkv) {
      add(Role::kQkv, layer, {{Role::kQ, a.heads * a.head_dim}, {Role::kK, kv}, {Role::kV, kv}});
    }
    if (b.mlp.fused_gate_up) {
      add(Role::kGateUp, layer, {{Role::kGate, b.mlp.inner}, {Role::kUp, b.mlp.inner}});
    }
  }
  return all;
}

std::string labels_architecture(const JsonObject& config) {
  const std::string type = model_family(config).model_type;
  for (const ModelFamily& family : table()) {
    const std::string& name = family.architectures.front();
    if (family.model_type == type && name.ends_with("ForSequenceClassification")) return name;
  }
  fail(ErrorCode::kUnsupported, "{}: models of type {} have no head over whole sequences", config.who(),
       type);
}

std::vector<std::string> block_linear_modules(const JsonObject& config) {
  std::vector<std::string> modules;
  const TensorNames& names = model_family(config).names;
  for (const ModelTensor& t : model_tensors(model_spec(config), names)) {
    if (t.layer >= 0 && !t.bias && is_linear(t.role))
      modules.push_back(names.module(t.role, t.layer, t.expert));
  }
  return modules;
}

}  // namespace lq
