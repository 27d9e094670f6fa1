#include "formats/gguf/gguf_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/printable.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kRopeFactors = "rope_freqs.weight";

const GgufKind& kind_of(const GgufMetadata& keys) {
  const std::string type = keys.text_or("general.type", "model");
  LQ_CHECK(type == "model", kUnsupported, "{}: general.type is \"{}\", but a model is expected", keys.who(),
           printable(type));
  const std::string name = keys.text("general.architecture");
  const std::int64_t experts = keys.integer_or(name + ".expert_count", 0, 0, kGgufSizeLimit);
  bool known_name = false;
  for (const GgufKind& kind : gguf_kinds()) {
    if (kind.name != name) continue;
    if (kind.experts == (experts > 0)) return kind;
    known_name = true;
  }
  LQ_CHECK(!known_name, kUnsupported, "{}: {}.expert_count is {}, which is not computed for this kind",
           keys.who(), name, experts);
  std::vector<std::string> known;
  for (const GgufKind& kind : gguf_kinds()) {
    if (known.empty() || known.back() != kind.name) known.push_back(kind.name);
  }
  fail(ErrorCode::kUnsupported, "{}: general.architecture \"{}\" is not read (known: {})", keys.who(),
       printable(name), fmt::join(known, ", "));
}

// By how much Llama 3's rule divides the frequency whose wave has `wavelength` positions.
double llama3_factor(double wavelength, double factor, double original) {
  constexpr double kLow = 1.0;
  constexpr double kHigh = 4.0;
  if (wavelength < original / kHigh) return 1.0;
  if (wavelength > original / kLow) return factor;
  const double smooth = (original / wavelength - kLow) / (kHigh - kLow);
  return 1.0 / ((1.0 - smooth) / factor + smooth);
}

// rope_freqs.weight holds what each frequency is divided by. Llama 3's are the only ones in use: the rule
// that gives them is found again, so that config.json can name it.
OrderedJson rope_of_factors(const GgufKindSource& source, const GgufFile::Tensor& tensor, double theta) {
  const std::int64_t head_dim = source.head_dim;
  const std::int64_t n = head_dim / 2;
  const std::vector<float> factors = source.floats(tensor, n);
  source.said.insert(std::string(kRopeFactors));
  if (std::ranges::all_of(factors, [](float f) { return f == 1.0F; })) return nullptr;
  const double factor = factors.back();
  for (std::int64_t original = 32; factor > 1.0 && factor < 1e6 && original <= (1 << 20); original *= 2) {
    bool same = true;
    for (std::int64_t i = 0; i < n && same; ++i) {
      const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(head_dim);
      const double wavelength = 2.0 * M_PI * std::pow(theta, exponent);
      const double want = llama3_factor(wavelength, factor, static_cast<double>(original));
      same = std::abs(factors[static_cast<std::size_t>(i)] - want) <= 1e-5 * want;
    }
    if (same) {
      return {{"rope_type", "llama3"},
              {"factor", factor},
              {"low_freq_factor", 1.0},
              {"high_freq_factor", 4.0},
              {"original_max_position_embeddings", original}};
    }
  }
  fail(ErrorCode::kUnsupported,
       "{}: {} holds factors of frequencies that are not Llama 3's (expected those of a factor of {}, bounds "
       "1 "
       "and 4)",
       source.keys.who(), kRopeFactors, factor);
}

// rope.scaling.*, or rope.scale_linear of older files, as llama.cpp reads them: the newer key goes first, and
// a factor without a type is linear.
OrderedJson rope_scaling(const GgufMetadata& keys, const std::string& prefix) {
  const std::string base = prefix + "rope.scaling.";
  const double older = keys.number_or(prefix + "rope.scale_linear", 0.0, 0.0, 1e6);
  const double factor = keys.number_or(base + "factor", older, 0.0, 1e6);
  const std::string type = keys.text_or(base + "type", factor > 0.0 && factor != 1.0 ? "linear" : "none");
  const std::int64_t original = keys.integer_or(base + "original_context_length", 0, 0, kGgufSizeLimit);
  (void)keys.boolean_or(base + "finetuned", false);  // says only how the model was made
  if (type == "none") return nullptr;
  LQ_CHECK(type == "linear" || type == "yarn", kUnsupported,
           "{}: {}type \"{}\" is not read (known: none, linear, yarn)", keys.who(), base, printable(type));
  LQ_CHECK(factor > 0.0, kNotFound, "{}: {}type is {}, but there is no {}factor", keys.who(), base, type,
           base);
  OrderedJson scaling = {{"rope_type", type}, {"factor", factor}};
  if (original > 0) scaling["original_max_position_embeddings"] = original;
  if (type == "yarn") {
    for (const char* name : {"beta_fast", "beta_slow"}) {
      const std::string key = base + "yarn_" + name;
      if (keys.has(key)) scaling[name] = keys.number(key, 1e-3, 1e6);
    }
  }
  return scaling;
}

// Keys whose only understood value is the one that changes nothing.
void refuse_other_values(const GgufMetadata& keys, const std::string& prefix, const GgufKind& kind) {
  for (const char* name : {"expert_used_count", "nextn_predict_layers"}) {
    if (kind.experts && std::string_view(name) == "expert_used_count") continue;
    const std::int64_t count = keys.integer_or(prefix + name, 0, 0, kGgufSizeLimit);
    LQ_CHECK(count == 0, kUnsupported, "{}: {}{} is {}, which is not computed (only 0)", keys.who(), prefix,
             name, count);
  }
  LQ_CHECK(!keys.boolean_or(prefix + "use_parallel_residual", false), kUnsupported,
           "{}: {}use_parallel_residual is true, which is not computed", keys.who(), prefix);
  const bool causal = keys.boolean_or(prefix + "attention.causal", true);
  LQ_CHECK(causal != kind.encoder, kUnsupported,
           "{}: {}attention.causal is {}, which is not computed for this kind", keys.who(), prefix, causal);
  const std::string layout = keys.text_or(prefix + "tensor_data_layout", "Meta AI original pth");
  LQ_CHECK(layout == "Meta AI original pth", kUnsupported, "{}: {}tensor_data_layout \"{}\" is not read",
           keys.who(), prefix, printable(layout));
  // How many tokens there are: the embedding's rows say it.
  (void)keys.integer_or(prefix + "vocab_size", 0, 0, kGgufSizeLimit);
}

// The type that transformers loads the weights as.
const char* dtype_of(const GgufFile& file) {
  bool f16 = false;
  bool bf16 = false;
  for (const auto& tensor : file.tensors()) {
    if (tensor.entry->shape.size() < 2) continue;  // norms are F32 whatever the matrices are
    if (tensor.entry->type == ggml::GgmlType::kF16) {
      f16 = true;
    } else if (tensor.entry->type == ggml::GgmlType::kBf16) {
      bf16 = true;
    } else {
      return "float32";
    }
  }
  return f16 == bf16 ? "float32" : f16 ? "float16" : "bfloat16";
}

// Where the file has no padding token, the class's must not lie behind the last row: transformers would not
// load such a model.
void add_special_ids(const GgufMetadata& keys, const GgufKind& kind, OrderedJson& config) {
  const std::string base = "tokenizer.ggml.";
  for (const char* name : {"bos", "eos"}) {
    const std::string key = base + name + "_token_id";
    if (keys.has(key)) config[std::string(name) + "_token_id"] = keys.integer(key, 0, INT32_MAX);
  }
  const std::string pad = base + "padding_token_id";
  if (keys.has(pad)) {
    config["pad_token_id"] = keys.integer(pad, 0, INT32_MAX);
  } else if (kind.usual_pad >= config["vocab_size"].get<std::int64_t>()) {
    config["pad_token_id"] = nullptr;
  }
}

// Whole heads turn, all blocks alike.
void add_rotation(const GgufKindSource& source, OrderedJson& config) {
  const GgufMetadata& keys = source.keys;
  const std::int64_t rotary =
      keys.integer_or(source.key("rope.dimension_count"), source.head_dim, 0, kGgufSizeLimit);
  LQ_CHECK(rotary == source.head_dim, kUnsupported,
           "{}: {}rope.dimension_count is {}, but only whole heads, {}, are turned", keys.who(),
           source.prefix, rotary, source.head_dim);
  OrderedJson scaling = rope_scaling(keys, source.prefix);
  if (const GgufFile::Tensor* const factors = source.tensor(kRopeFactors)) {
    const OrderedJson rule = rope_of_factors(source, *factors, config["rope_theta"].get<double>());
    LQ_CHECK(scaling.is_null() || rule.is_null(), kUnsupported,
             "{}: {} stands beside {}rope.scaling, which is not computed", keys.who(), kRopeFactors,
             source.prefix);
    if (!rule.is_null()) scaling = rule;
  }
  if (!scaling.is_null()) config["rope_scaling"] = scaling;
}

// What all kinds say alike; the shape of source's sizes is filled in.
OrderedJson common_config(const GgufKind& kind, GgufKindSource& source) {
  const GgufMetadata& keys = source.keys;
  const auto size = [&](const char* name) {
    return keys.common_integer(source.key(name), 1, kGgufSizeLimit);
  };
  const GgufFile::Tensor* const table = source.tensor("token_embd.weight");
  LQ_CHECK(table != nullptr && table->entry->shape.size() == 2, kNotFound,
           "{}: no tensor token_embd.weight of two dimensions", keys.who());
  source.heads = size("attention.head_count");
  source.hidden = size("embedding_length");
  source.blocks = size("block_count");
  source.positions = size("context_length");
  const std::string kv = source.key("attention.head_count_kv");
  const std::int64_t usual = std::max<std::int64_t>(1, source.hidden / source.heads);
  source.head_dim = keys.integer_or(source.key("attention.key_length"), usual, 1, kGgufSizeLimit);
  const std::int64_t value_dim =
      keys.integer_or(source.key("attention.value_length"), source.head_dim, 1, kGgufSizeLimit);
  LQ_CHECK(value_dim == source.head_dim, kUnsupported,
           "{}: {}attention.value_length is {}, but only that of the keys, {}, is computed", keys.who(),
           source.prefix, value_dim, source.head_dim);
  OrderedJson config = {
      {"architectures", {kind.architecture}},
      {"model_type", kind.model_type},
      {"vocab_size", table->entry->shape[0]},
      {"hidden_size", source.hidden},
      {"intermediate_size", size("feed_forward_length")},
      {"num_hidden_layers", source.blocks},
      {"num_attention_heads", source.heads},
      {"num_key_value_heads", keys.has(kv) ? keys.common_integer(kv, 1, kGgufSizeLimit) : source.heads},
      {"head_dim", source.head_dim},
      {"hidden_act", "silu"},
      {"max_position_embeddings", source.positions}};
  const std::string eps =
      source.key(kind.layer_norms ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon");
  config[kind.layer_norms ? "norm_eps" : "rms_norm_eps"] = keys.number(eps, 0.0, 1.0);
  if (!kind.layer_norms)
    config["rope_theta"] = keys.number_or(source.key("rope.freq_base"), 10000.0, 1.0, 1e12);
  config["tie_word_embeddings"] = source.tensor("output.weight") == nullptr;
  config["dtype"] = dtype_of(source.file);
  add_special_ids(keys, kind, config);
  return config;
}

}  // namespace

GgufConfig gguf_config(const GgufFile& file, const GgufMetadata& keys) {
  const GgufKind& kind = kind_of(keys);
  const std::string prefix = kind.name + ".";
  GgufConfig out{JsonObject(OrderedJson::object(), keys.who()), &kind, 0, 0, 0, {}};
  GgufKindSource source{.file = file, .keys = keys, .prefix = prefix, .said = out.said};
  source.experts = keys.integer_or(prefix + "expert_count", 0, 0, kGgufSizeLimit);
  OrderedJson config = common_config(kind, source);
  if (!kind.own_rotation) add_rotation(source, config);
  if (kind.read != nullptr) kind.read(source, config);
  refuse_other_values(keys, prefix, kind);
  const std::vector<std::string> unread = keys.unread(prefix);
  LQ_CHECK(unread.empty(), kUnsupported,
           "{}: the key {} is not understood, and may change what the model computes", keys.who(),
           printable(unread.front()));
  out.config = JsonObject(std::move(config), keys.who());
  out.blocks = source.blocks;
  out.permuted_head_dim = kind.permuted ? source.head_dim : 0;
  out.experts = source.experts;
  return out;
}

}  // namespace lq
