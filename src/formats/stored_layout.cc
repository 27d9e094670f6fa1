#include "formats/stored_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gpt_oss_layout.h"
#include "formats/strided_form.h"

namespace lq {
namespace {

std::string type_of(const JsonObject& config) {
  const auto at = config.json().find("model_type");
  return at != config.json().end() && at->is_string() ? at->get<std::string>() : std::string();
}

// "model.language_model.x", "language_model.model.x" and "language_model.x" -> "model.x"; the head's name
// stays. Nothing for what does not belong to the language model.
std::optional<std::string> language_model_name(std::string_view name) {
  if (const std::string_view prefix = language_model_prefix(name); !prefix.empty())
    return fmt::format("model.{}", name.substr(prefix.size()));
  constexpr std::string_view kHead = "language_model.lm_head.";
  if (name.starts_with(kHead)) return fmt::format("lm_head.{}", name.substr(kHead.size()));
  if (name.starts_with("lm_head.")) return std::string(name);
  return std::nullopt;
}

void rename_gpt2(std::vector<TensorView>& views) {
  constexpr std::string_view kBody = "transformer.";
  std::erase_if(views, [](const TensorView& v) {
    return v.name().ends_with(".attn.bias") || v.name().ends_with(".attn.masked_bias");
  });
  for (TensorView& v : views) {
    if (!v.name().starts_with(kBody) && !v.name().starts_with("lm_head.")) v.spec.name.insert(0, kBody);
  }
}

bool is_conv1d(std::string_view weight) {
  constexpr auto kNames =
      std::to_array<std::string_view>({".c_attn.weight", ".c_proj.weight", ".c_fc.weight"});
  return std::ranges::any_of(kNames, [weight](std::string_view name) { return weight.ends_with(name); });
}

TensorView transposed(TensorView view) {
  view.form = std::make_shared<StridedForm>(view.dtype(), view.shape()[0], 1, view.shape()[1]);
  std::swap(view.spec.shape[0], view.spec.shape[1]);
  return view;
}

// Rows [begin, begin + rows) of matrix `index` of a stack.
TensorView part_of_stack(const TensorView& stack, std::int64_t index, std::int64_t begin, std::int64_t rows,
                         std::string name) {
  TensorView part = stack;
  const std::int64_t cols = stack.shape()[2];
  const std::size_t row_bytes = static_cast<std::size_t>(cols) * dtype_size(stack.dtype());
  part.data += static_cast<std::size_t>(index * stack.shape()[1] + begin) * row_bytes;
  part.bytes = static_cast<std::size_t>(rows) * row_bytes;
  part.spec = {std::move(name), stack.dtype(), {rows, cols}};
  return part;
}

// How an architecture calls an expert's matrices, where they stand one by one.
struct ExpertNames {
  std::string_view within;  // in a block, before the expert's number
  std::string_view gate, up, down;
};

void split_stacks(const ExpertNames& names, std::string_view who, std::vector<TensorView>& views) {
  constexpr std::string_view kGateUp = "mlp.experts.gate_up_proj";
  constexpr std::string_view kDown = "mlp.experts.down_proj";
  constexpr std::string_view kRouter = "mlp.gate.weight";
  std::vector<TensorView> all;
  for (TensorView& v : views) {
    const bool gate_up = v.name().ends_with(kGateUp);
    const bool down = v.name().ends_with(kDown);
    if (v.name().ends_with(kRouter) && names.within != "mlp.") {
      const std::size_t at = v.name().size() - kRouter.size();
      v.spec.name = fmt::format("{}{}{}", v.name().substr(0, at), names.within, kRouter.substr(4));
    }
    if (!gate_up && !down) {
      all.push_back(std::move(v));
      continue;
    }
    LQ_CHECK(v.shape().size() == 3 && (down || v.shape()[1] % 2 == 0), kCorruptFile,
             "{}: {} is {}, but a stack of the experts' matrices was expected", who, printable(v.name()),
             shape_text(v.shape()));
    const std::string before = v.name().substr(0, v.name().size() - (gate_up ? kGateUp : kDown).size());
    for (std::int64_t e = 0; e < v.shape()[0]; ++e) {
      const auto name = [&](std::string_view part) {
        return fmt::format("{}{}experts.{}.{}.weight", before, names.within, e, part);
      };
      if (down) {
        all.push_back(part_of_stack(v, e, 0, v.shape()[1], name(names.down)));
        continue;
      }
      const std::int64_t half = v.shape()[1] / 2;
      all.push_back(part_of_stack(v, e, 0, half, name(names.gate)));
      all.push_back(part_of_stack(v, e, half, half, name(names.up)));
    }
  }
  views = std::move(all);
}

}  // namespace

std::string_view language_model_prefix(std::string_view name) {
  for (const std::string_view prefix : {kWithinImages, std::string_view("language_model.model.")}) {
    if (name.starts_with(prefix)) return prefix;
  }
  return {};
}

std::optional<JsonObject> language_model_config(const JsonObject& config) {
  if (type_of(config) != "gemma3" || !config.json().contains("text_config")) return std::nullopt;
  const JsonObject text = config.section("text_config");
  // The class with images passes over it, the one without applies it: which of both was meant is not ours to
  // say.
  LQ_CHECK(
      !text.has("final_logit_softcapping"), kUnsupported,
      "{}: text_config.final_logit_softcapping is {}, which Gemma3ForConditionalGeneration does not apply",
      config.who(), text.any("final_logit_softcapping").dump());
  nlohmann::ordered_json inner = text.json();
  inner["architectures"] = {"Gemma3ForCausalLM"};
  inner["model_type"] = "gemma3_text";
  for (const char* key : {"eos_token_id", "bos_token_id", "pad_token_id", "dtype", "torch_dtype",
                          "transformers_version", "quantization_config"}) {
    if (!inner.contains(key) && config.json().contains(key)) inner[key] = config.json()[key];
  }
  // Whatever text_config says.
  const bool said = config.json().contains("tie_word_embeddings");
  inner["tie_word_embeddings"] = said ? config.boolean_or("tie_word_embeddings", false) : true;
  return JsonObject(std::move(inner), config.who());
}

std::vector<TensorView> own_layout(const JsonObject& config, std::vector<TensorView> views,
                                   std::string_view who) {
  const std::string type = type_of(config);
  if (type == "gemma3") {
    std::vector<TensorView> kept;
    for (TensorView& v : views) {
      auto name = language_model_name(v.name());
      if (!name) continue;
      v.spec.name = std::move(*name);
      kept.push_back(std::move(v));
    }
    return kept;
  }
  if (type == "gpt2") {
    rename_gpt2(views);
    for (TensorView& v : views) {
      if (is_conv1d(v.name()) && v.shape().size() == 2) v = transposed(std::move(v));
    }
  }
  if (type == kGptOssType) {
    const auto& json = config.json();
    const auto experts = json.find("num_local_experts");
    const bool said = experts != json.end() && experts->is_number_unsigned();
    return gpt_oss_experts(views, said ? std::optional(experts->get<std::int64_t>()) : std::nullopt, who);
  }
  if (type == "mixtral") split_stacks({"block_sparse_moe.", "w1", "w3", "w2"}, who, views);
  if (type == "qwen3_moe") split_stacks({"mlp.", "gate_proj", "up_proj", "down_proj"}, who, views);
  return views;
}

std::optional<ExpertPlace> expert_place(const JsonObject& config, std::string_view name) {
  return type_of(config) == kGptOssType ? gpt_oss_place(name) : std::nullopt;
}

bool lies_transposed(const JsonObject& config, std::string_view weight) {
  return type_of(config) == "gpt2" && is_conv1d(weight);
}

Shape stored_shape(const JsonObject& config, std::string_view weight, const Shape& shape) {
  if (!lies_transposed(config, weight) || shape.size() != 2) return shape;
  return {shape[1], shape[0]};
}

Tensor stored_values(const JsonObject& config, std::string_view weight, Tensor values) {
  if (!lies_transposed(config, weight) || values.shape().size() != 2) return values;
  TensorView view;
  view.spec = {std::string(weight), values.dtype(), stored_shape(config, weight, values.shape())};
  view.data = values.raw();
  view.bytes = values.bytes();
  view.form = std::make_shared<StridedForm>(values.dtype(), values.dim(0), 1, values.dim(1));
  return view.copy();
}

}  // namespace lq
