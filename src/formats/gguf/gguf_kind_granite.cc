// Granite 3: Llama with factors on embedding, scores, branches and logits.
#include <cmath>

#include "base/error.h"
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

void read_granite(const GgufKindSource& source, nlohmann::ordered_json& config) {
  config["attention_bias"] = source.has_bias("attn_q");
  config["mlp_bias"] = source.has_bias("ffn_gate");
  // llama.cpp takes 0, or no key, as the value that changes nothing.
  const auto factor = [&](const char* name, double usual) {
    const double given = source.keys.number_or(source.key(name), 0.0, 0.0, 1e6);
    return given > 0.0 ? given : usual;
  };
  config["embedding_multiplier"] = factor("embedding_scale", 1.0);
  config["residual_multiplier"] = factor("residual_scale", 1.0);
  config["attention_multiplier"] =
      factor("attention.scale", 1.0 / std::sqrt(static_cast<double>(source.head_dim)));
  config["logits_scaling"] = source.keys.number(source.key("logit_scale"), 1e-6, 1e6);
  const std::string turns = source.key("rope.scaling.finetuned");
  LQ_CHECK(source.keys.boolean_or(turns, true), kUnsupported,
           "{}: {} is false: heads that do not turn, which is not computed", source.keys.who(), turns);
}

}  // namespace

GgufKind gguf_granite_kind() {
  return {.name = "granite",
          .architecture = "GraniteForCausalLM",
          .model_type = "granite",
          .names = gguf_decoder_names(),
          .permuted = true,
          .read = read_granite};
}

}  // namespace lq
