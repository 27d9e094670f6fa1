// SmolLM3: every fourth layer does not turn, which no key says.
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

void read_smollm3(const GgufKindSource& source, nlohmann::ordered_json& config) {
  config["attention_bias"] = source.has_bias("attn_q");
  config["no_rope_layer_interval"] = 4;
  config["use_sliding_window"] = false;
}

}  // namespace

GgufKind gguf_smollm3_kind() {
  GgufNames names = gguf_decoder_names();
  names.with_bias = {"attn_q", "attn_k", "attn_v", "attn_output"};
  return {.name = "smollm3",
          .architecture = "SmolLM3ForCausalLM",
          .model_type = "smollm3",
          .names = std::move(names),
          .permuted = true,
          .usual_pad = 128004,
          .read = read_smollm3};
}

}  // namespace lq
