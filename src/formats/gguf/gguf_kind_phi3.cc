// Phi-3, Phi-4: queries, keys and values in one matrix, gate and up in another; heads that turn in part;
// longrope.
#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_kind.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

// The share of a head that turns, so that a share times head_dim is not rounded below `dims`.
double share_of(std::int64_t dims, std::int64_t head_dim) {
  const double share = static_cast<double>(dims) / static_cast<double>(head_dim);
  const bool exact = static_cast<std::int64_t>(static_cast<double>(head_dim) * share) == dims;
  return exact ? share : (static_cast<double>(dims) + 0.5) / static_cast<double>(head_dim);
}

OrderedJson factors_of(const GgufKindSource& source, const GgufFile::Tensor& tensor, std::int64_t dims) {
  source.said.insert(tensor.entry->name);
  OrderedJson all = OrderedJson::array();
  for (const float factor : source.floats(tensor, dims / 2)) all.push_back(static_cast<double>(factor));
  return all;
}

void read_long_factors(const GgufKindSource& source, std::int64_t dims, OrderedJson& config) {
  const GgufFile::Tensor* const near = source.tensor("rope_factors_short.weight");
  const GgufFile::Tensor* const far = source.tensor("rope_factors_long.weight");
  const std::string type = source.keys.text_or(source.key("rope.scaling.type"), "none");
  const double attention = source.keys.number_or(source.key("rope.scaling.attn_factor"), 1.0, 1e-3, 1e3);
  LQ_CHECK(type == "none" || type == "longrope", kUnsupported,
           "{}: {}rope.scaling.type \"{}\" is not read (known: none, longrope)", source.keys.who(),
           source.prefix, printable(type));
  LQ_CHECK((near == nullptr) == (far == nullptr) && (near != nullptr || type == "none"), kNotFound,
           "{}: rope_factors_short.weight and rope_factors_long.weight are not both there",
           source.keys.who());
  if (near == nullptr) {
    LQ_CHECK(attention == 1.0, kUnsupported,
             "{}: {}rope.scaling.attn_factor is {}, but there are no factors of frequencies",
             source.keys.who(), source.prefix, attention);
    return;
  }
  config["rope_scaling"] = {{"rope_type", "longrope"},
                            {"short_factor", factors_of(source, *near, dims)},
                            {"long_factor", factors_of(source, *far, dims)},
                            {"attention_factor", attention}};
}

void read_phi3(const GgufKindSource& source, OrderedJson& config) {
  const std::int64_t dims =
      source.keys.integer_or(source.key("rope.dimension_count"), source.head_dim, 2, source.head_dim);
  if (dims != source.head_dim) config["partial_rotary_factor"] = share_of(dims, source.head_dim);
  config["original_max_position_embeddings"] = source.keys.integer_or(
      source.key("rope.scaling.original_context_length"), source.positions, 1, kGgufSizeLimit);
  read_long_factors(source, dims, config);
  const std::int64_t window =
      source.keys.integer_or(source.key("attention.sliding_window"), 0, 0, kGgufSizeLimit);
  config["sliding_window"] = window > 0 ? OrderedJson(window) : OrderedJson(nullptr);
}

GgufNames phi3_tensor_names() {
  GgufNames names = gguf_decoder_names();
  for (const char* apart : {"attn_q", "attn_k", "attn_v", "ffn_gate"}) names.inside.erase(apart);
  names.inside["attn_qkv"] = "self_attn.qkv_proj";
  names.inside["ffn_up"] = "mlp.gate_up_proj";
  names.with_bias.clear();
  return names;
}

}  // namespace

GgufKind gguf_phi3_kind() {
  return {.name = "phi3",
          .architecture = "Phi3ForCausalLM",
          .model_type = "phi3",
          .names = phi3_tensor_names(),
          .own_rotation = true,
          .usual_pad = 32000,
          .read = read_phi3};
}

}  // namespace lq
