#include <fmt/format.h>

#include <cmath>

#include "models/model.h"
#include "models/model_state.h"
#include "models/registry.h"
#include "nn/dense_weight.h"
#include "nn/packed_weight.h"
#include "nn/rounded_weight.h"

namespace lq {
namespace {

class Loader {
 public:
  explicit Loader(Model::State& state) : state_(state) {}

  void build() {
    const ModelSpec& c = state_.spec;
    state_.embedding = &parameter("model.embed_tokens.weight", {c.vocab, c.hidden}, false);
    for (std::int64_t layer = 0; layer < c.layers; ++layer) state_.blocks.push_back(block(layer));
    Parameter& norm = parameter("model.norm.weight", {c.hidden}, true);
    state_.head = std::make_unique<NextTokenHead>(norm, c.norm_eps, Linear("lm_head", projection()));
  }

 private:
  TransformerBlock block(std::int64_t layer) {
    const ModelSpec& c = state_.spec;
    const std::string at = fmt::format("model.layers.{}.", layer);
    const std::int64_t attention = c.heads * c.head_dim;
    const std::int64_t kv = c.kv_heads * c.head_dim;
    const AttentionShape shape{c.heads, c.kv_heads, c.head_dim, c.windows[static_cast<std::size_t>(layer)],
                               1.0F / std::sqrt(static_cast<float>(c.head_dim))};
    SelfAttention self{linear(at + "self_attn.q_proj", attention, c.hidden, c.qkv_bias),
                       linear(at + "self_attn.k_proj", kv, c.hidden, c.qkv_bias),
                       linear(at + "self_attn.v_proj", kv, c.hidden, c.qkv_bias),
                       linear(at + "self_attn.o_proj", c.hidden, attention, c.output_bias), shape};
    GatedMlp mlp{linear(at + "mlp.gate_proj", c.intermediate, c.hidden, c.mlp_bias),
                 linear(at + "mlp.up_proj", c.intermediate, c.hidden, c.mlp_bias),
                 linear(at + "mlp.down_proj", c.hidden, c.intermediate, c.mlp_bias)};
    Parameter& norm1 = parameter(at + "input_layernorm.weight", {c.hidden}, true);
    Parameter& norm2 = parameter(at + "post_attention_layernorm.weight", {c.hidden}, true);
    return {norm1, norm2, c.norm_eps, std::move(self), std::move(mlp)};
  }

  Linear linear(const std::string& module, std::int64_t out, std::int64_t in, bool biased) {
    Parameter* bias = biased ? &parameter(module + ".bias", {out}, true) : nullptr;
    return {module, weight(module, out, in), bias};
  }

  std::unique_ptr<Weight> weight(const std::string& module, std::int64_t out, std::int64_t in) {
    const std::string name = module + ".weight";
    if (state_.packed && state_.packed->packed().modules.contains(name)) {
      PackedMatrix matrix = state_.packed->matrix(name);
      check(name, {matrix.rows(), matrix.cols()}, {out, in});
      return std::make_unique<PackedWeight>(std::move(matrix));
    }
    return std::make_unique<DenseWeight>(parameter(name, {out, in}, false));
  }

  // A dense head of a packed model may be rounded where its other weights are read coarsely too.
  std::unique_ptr<Weight> projection() {
    const ModelSpec& c = state_.spec;
    const bool packed_itself = state_.packed && state_.packed->packed().modules.contains("lm_head.weight");
    if (packed_itself && !c.tied_embeddings) return weight("lm_head", c.vocab, c.hidden);
    Parameter& p =
        c.tied_embeddings ? *state_.embedding : parameter("lm_head.weight", {c.vocab, c.hidden}, false);
    if (state_.packed) return std::make_unique<RoundedWeight>(p);
    return std::make_unique<DenseWeight>(p);
  }

  // small: brought to f32 now; else borrowed as it lies in the file.
  Parameter& parameter(const std::string& name, const Shape& shape, bool small) {
    const TensorView& view = find(name);
    check(name, view.shape(), shape);
    LQ_CHECK(is_weight_dtype(view.dtype()), kUnsupported, "[model] {}: {} is {} (expected F32, BF16 or F16)",
             state_.directory.string(), name, dtype_name(view.dtype()));
    Parameter& p = state_.parameters.emplace_back();
    p.name = name;
    p.value = small ? view.copy_f32() : view.borrow();
    state_.by_name.emplace(name, &p);
    return p;
  }

  // Some checkpoints were saved without the head: their names lack "model.".
  const TensorView& find(const std::string& name) const {
    if (const TensorView* view = state_.reader().find(name)) return *view;
    if (name.starts_with("model.")) {
      if (const TensorView* view = state_.reader().find(name.substr(6))) return *view;
    }
    return state_.reader().at(name);
  }

  void check(const std::string& name, const Shape& have, const Shape& want) const {
    LQ_CHECK(have == want, kMismatch, "[model] {}: {} is {}, but config.json makes it {}",
             state_.directory.string(), name, shape_text(have), shape_text(want));
  }

  Model::State& state_;
};

}  // namespace

Model Model::load(Context& ctx, const std::filesystem::path& directory, const ModelLoadOptions& options) {
  JsonObject hf = JsonObject::load(directory);
  ModelSpec spec = model_spec(hf);
  const bool packed = is_packed(hf);
  auto state = std::make_unique<State>(std::move(hf), std::move(spec));
  state->directory = directory;
  if (packed) {
    state->packed = std::make_unique<PackedCheckpoint>(directory);
  } else {
    state->dense = std::make_unique<CheckpointReader>(directory);
  }
  Loader(*state).build();
  Model model(std::move(state));

  std::filesystem::path adapter = options.adapter;
  if (adapter.empty() && packed && std::filesystem::exists(directory / "adapter" / "adapter_config.json")) {
    adapter = directory / "adapter";
  }
  if (!adapter.empty() && !options.no_adapter) {
    bool named = false;
    if (options.check_base_hash) named = PeftAdapterReader(adapter).base_hash().has_value();
    model.load_adapter(adapter, named ? model.base_hash(ctx) : std::string());
  }
  return model;
}

void Model::State::replace(const TensorView& view, const std::filesystem::path& adapter) {
  const std::string& name = view.name();
  auto at = by_name.find(name);
  if (at == by_name.end() && name == "lm_head.weight" && spec.tied_embeddings) {
    Parameter& p = parameters.emplace_back();
    p.name = name;
    p.value = Tensor::borrow(embedding->value.dtype(), embedding->value.shape(), embedding->value.raw());
    at = by_name.emplace(name, &p).first;
    Parameter& norm = *by_name.at("model.norm.weight");
    head = std::make_unique<NextTokenHead>(norm, spec.norm_eps,
                                           Linear("lm_head", std::make_unique<DenseWeight>(p)));
  }
  LQ_CHECK(at != by_name.end() || !packed || !packed->packed().modules.contains(name), kUnsupported,
           "[adapter] {}: replaces {} whole (modules_to_save), but in {} that is a packed weight",
           adapter.string(), name, directory.string());
  LQ_CHECK(at != by_name.end(), kMismatch,
           "[adapter] {}: replaces {} (modules_to_save), which {} does not have", adapter.string(), name,
           directory.string());
  Parameter& p = *at->second;
  LQ_CHECK(view.shape() == p.value.shape(), kMismatch, "[adapter] {}: {} is {}, but {} has it as {}",
           adapter.string(), name, shape_text(view.shape()), directory.string(), shape_text(p.value.shape()));
  p.value = view.copy_f32();
}

void Model::load_adapter(const std::filesystem::path& directory, std::string_view base_hash) {
  const PeftAdapterReader reader(directory);
  if (!base_hash.empty()) reader.check_base(base_hash);
  for (const TensorView& view : reader.replaced()) state_->replace(view, directory);
  for (const LoraPair& pair : reader.pairs()) {
    Linear* linear = find_linear(pair.module);
    LQ_CHECK(linear != nullptr, kMismatch, "[adapter] {}: there is no linear module {} in {}",
             directory.string(), pair.module, state_->directory.string());
    auto lora = std::make_unique<Lora>();
    lora->a.name = pair.module + ".lora_A.weight";
    lora->b.name = pair.module + ".lora_B.weight";
    lora->a.value = pair.a.copy_f32();
    lora->b.value = pair.b.copy_f32();
    lora->scaling = static_cast<float>(pair.scaling);
    linear->set_lora(std::move(lora));
  }
}

std::string Model::base_hash(Context& ctx) const {
  if (state_->packed) return state_->packed->packed().model_hash;
  return state_->dense->model_hash(ctx.pool, ctx.stop);
}

}  // namespace lq
