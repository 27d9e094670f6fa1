#include "formats/gguf/gguf_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/printable.h"
#include "quant/ggml/dequantize.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::int64_t kWidthLimit = std::int64_t{1} << 24;
constexpr std::string_view kRopeFactors = "rope_freqs.weight";

struct GgufKind {
  std::string_view name;          // general.architecture
  std::string_view architecture;  // Hugging Face's class
  bool permuted;                  // q and k have llama.cpp's order of rows
};

constexpr std::array kKinds = {GgufKind{"llama", "LlamaForCausalLM", true},
                               GgufKind{"qwen2", "Qwen2ForCausalLM", false},
                               GgufKind{"qwen3", "Qwen3ForCausalLM", false}};

const GgufKind& kind_of(const GgufMetadata& keys) {
  const std::string type = keys.text_or("general.type", "model");
  LQ_CHECK(type == "model", kUnsupported, "{}: general.type is \"{}\", but a model is expected", keys.who(),
           printable(type));
  const std::string name = keys.text("general.architecture");
  const auto at = std::ranges::find(kKinds, name, &GgufKind::name);
  if (at != kKinds.end()) return *at;
  std::vector<std::string_view> known;
  for (const GgufKind& kind : kKinds) known.push_back(kind.name);
  fail(ErrorCode::kUnsupported, "{}: general.architecture \"{}\" is not read (known: {})", keys.who(),
       printable(name), fmt::join(known, ", "));
}

const GgufFile::Tensor* find_tensor(const GgufFile& file, std::string_view name) {
  const auto at = std::ranges::find_if(file.tensors(), [&](const auto& t) { return t.entry->name == name; });
  return at == file.tensors().end() ? nullptr : &*at;
}

bool has_bias(const GgufFile& file, std::string_view module) {
  return find_tensor(file, fmt::format("blk.0.{}.bias", module)) != nullptr;
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
OrderedJson rope_of_factors(const GgufFile::Tensor& tensor, double theta, std::int64_t head_dim,
                            const std::string& who) {
  const std::int64_t n = head_dim / 2;
  const GgufTensor& entry = *tensor.entry;
  LQ_CHECK(entry.shape == Shape{n} && entry.type == ggml::GgmlType::kF32, kCorruptFile,
           "{}: {} is {} {}, but must be [{}] F32, one for each frequency", who, kRopeFactors,
           shape_text(entry.shape), ggml::type_info(entry.type).name, n);
  std::vector<float> factors(static_cast<std::size_t>(n));
  ggml::dequantize(entry.type, tensor.data, 0, n, factors.data());
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
       who, kRopeFactors, factor);
}

// rope.scaling.*, or rope.scale_linear of older files.
OrderedJson rope_scaling(const GgufMetadata& keys, const std::string& prefix) {
  const std::string base = prefix + "rope.scaling.";
  std::string type = keys.text_or(base + "type", "none");
  double factor = keys.number_or(base + "factor", 0.0, 0.0, 1e6);
  const double linear = keys.number_or(prefix + "rope.scale_linear", 1.0, 0.0, 1e6);
  if (type == "none" && linear > 1.0) type = "linear", factor = linear;
  const std::int64_t original = keys.integer_or(base + "original_context_length", 0, 0, kWidthLimit);
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
void refuse_other_values(const GgufMetadata& keys, const std::string& prefix) {
  for (const char* name : {"expert_count", "expert_used_count", "nextn_predict_layers"}) {
    const std::int64_t count = keys.integer_or(prefix + name, 0, 0, kWidthLimit);
    LQ_CHECK(count == 0, kUnsupported, "{}: {}{} is {}, which is not computed (only 0)", keys.who(), prefix,
             name, count);
  }
  LQ_CHECK(!keys.boolean_or(prefix + "use_parallel_residual", false), kUnsupported,
           "{}: {}use_parallel_residual is true, which is not computed", keys.who(), prefix);
  LQ_CHECK(keys.boolean_or(prefix + "attention.causal", true), kUnsupported,
           "{}: {}attention.causal is false, which is not computed", keys.who(), prefix);
  const std::string layout = keys.text_or(prefix + "tensor_data_layout", "Meta AI original pth");
  LQ_CHECK(layout == "Meta AI original pth", kUnsupported, "{}: {}tensor_data_layout \"{}\" is not read",
           keys.who(), prefix, printable(layout));
  // How many tokens there are: the embedding's rows say it.
  (void)keys.integer_or(prefix + "vocab_size", 0, 0, kWidthLimit);
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

void add_special_ids(const GgufMetadata& keys, OrderedJson& config) {
  const std::string base = "tokenizer.ggml.";
  for (const char* name : {"bos", "eos"}) {
    const std::string key = base + name + "_token_id";
    if (keys.has(key)) config[std::string(name) + "_token_id"] = keys.integer(key, 0, INT32_MAX);
  }
}

}  // namespace

GgufConfig gguf_config(const GgufFile& file, const GgufMetadata& keys) {
  const GgufKind& kind = kind_of(keys);
  const std::string prefix = std::string(kind.name) + ".";
  const auto size = [&](const char* name) { return keys.common_integer(prefix + name, 1, kWidthLimit); };

  const GgufFile::Tensor* const table = find_tensor(file, "token_embd.weight");
  LQ_CHECK(table != nullptr && table->entry->shape.size() == 2, kNotFound,
           "{}: no tensor token_embd.weight of two dimensions", keys.who());
  const std::int64_t heads = size("attention.head_count");
  const std::int64_t hidden = size("embedding_length");
  const std::string kv = prefix + "attention.head_count_kv";
  const std::int64_t usual = std::max<std::int64_t>(1, hidden / heads);
  const std::int64_t head_dim = keys.integer_or(prefix + "attention.key_length", usual, 1, kWidthLimit);
  const std::int64_t value_dim = keys.integer_or(prefix + "attention.value_length", head_dim, 1, kWidthLimit);
  const std::int64_t rotary = keys.integer_or(prefix + "rope.dimension_count", head_dim, 0, kWidthLimit);
  LQ_CHECK(value_dim == head_dim, kUnsupported,
           "{}: {}attention.value_length is {}, but only that of the keys, {}, is computed", keys.who(),
           prefix, value_dim, head_dim);
  LQ_CHECK(rotary == head_dim, kUnsupported,
           "{}: {}rope.dimension_count is {}, but only whole heads, {}, are turned", keys.who(), prefix,
           rotary, head_dim);
  const double theta = keys.number_or(prefix + "rope.freq_base", 10000.0, 1.0, 1e12);

  OrderedJson config = {
      {"architectures", {kind.architecture}},
      {"model_type", kind.name},
      {"vocab_size", table->entry->shape[0]},
      {"hidden_size", hidden},
      {"intermediate_size", size("feed_forward_length")},
      {"num_hidden_layers", size("block_count")},
      {"num_attention_heads", heads},
      {"num_key_value_heads", keys.has(kv) ? keys.common_integer(kv, 1, kWidthLimit) : heads},
      {"head_dim", head_dim},
      {"hidden_act", "silu"},
      {"max_position_embeddings", size("context_length")},
      {"rms_norm_eps", keys.number(prefix + "attention.layer_norm_rms_epsilon", 0.0, 1.0)},
      {"rope_theta", theta},
      {"tie_word_embeddings", find_tensor(file, "output.weight") == nullptr},
      {"dtype", dtype_of(file)}};
  if (kind.name == "llama") {
    config["attention_bias"] = has_bias(file, "attn_q");
    config["mlp_bias"] = has_bias(file, "ffn_gate");
  }
  OrderedJson scaling = rope_scaling(keys, prefix);
  if (const GgufFile::Tensor* const factors = find_tensor(file, kRopeFactors)) {
    const OrderedJson rule = rope_of_factors(*factors, theta, head_dim, keys.who());
    LQ_CHECK(scaling.is_null() || rule.is_null(), kUnsupported,
             "{}: {} stands beside {}rope.scaling, which is not computed", keys.who(), kRopeFactors, prefix);
    if (!rule.is_null()) scaling = rule;
  }
  if (!scaling.is_null()) config["rope_scaling"] = scaling;
  add_special_ids(keys, config);
  refuse_other_values(keys, prefix);
  const std::vector<std::string> unread = keys.unread(prefix);
  LQ_CHECK(unread.empty(), kUnsupported,
           "{}: the key {} is not understood, and may change what the model computes", keys.who(),
           printable(unread.front()));
  const std::int64_t blocks = config["num_hidden_layers"].get<std::int64_t>();
  return {JsonObject(std::move(config), keys.who()), blocks, kind.permuted ? head_dim : 0};
}

}  // namespace lq
