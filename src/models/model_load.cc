#include <fmt/format.h>

#include <cmath>

#include "models/model.h"
#include "models/model_check.h"
#include "models/model_state.h"
#include "models/registry.h"
#include "nn/dense_weight.h"
#include "nn/packed_weight.h"
#include "nn/rounded_weight.h"
#include "nn/stored_weight.h"

namespace lq {
namespace {

class Loader {
 public:
  Loader(Model::State& state, bool decode_all) : state_(state), decode_all_(decode_all) {}

  void build() {
    const ModelSpec& m = state_.spec;
    check_model_config(m, state_.names, shapes(), state_.path());
    const std::string table = name(Role::kEmbedding);
    state_.embedding = std::make_unique<Embedding>(table, parameter(table + ".weight", false));
    for (std::int64_t layer = 0; layer < m.layers(); ++layer) state_.blocks.push_back(block(layer));
    Parameter& norm = parameter(name(Role::kFinalNorm) + ".weight", true);
    state_.head =
        std::make_unique<NextTokenHead>(norm, m.final_norm.eps, Linear(name(Role::kHead), projection()));
  }

 private:
  std::string name(Role role, std::int64_t layer = -1) const { return state_.names.module(role, layer); }

  std::vector<NamedShape> shapes() const {
    std::vector<NamedShape> all;
    for (const TensorView& t : state_.reader().tensors()) all.push_back({t.name(), t.shape()});
    if (!state_.checkpoint->is_packed()) return all;
    for (const auto& [weight, module] : state_.checkpoint->packed().packed().modules) {
      all.push_back({weight, {module.rows, module.cols}});
    }
    return all;
  }

  TransformerBlock block(std::int64_t layer) {
    const BlockSpec& b = state_.spec.blocks[static_cast<std::size_t>(layer)];
    const AttentionSpec& a = b.attention;
    const float scale = a.scale != 0.0F ? a.scale : 1.0F / std::sqrt(static_cast<float>(a.head_dim));
    const auto part = [&](Role role, bool bias) { return linear(name(role, layer), bias); };
    const auto norm = [&](Role role) -> Parameter& { return parameter(name(role, layer) + ".weight", true); };
    SelfAttention self{part(Role::kQ, a.qkv_bias), part(Role::kK, a.qkv_bias), part(Role::kV, a.qkv_bias),
                       part(Role::kO, a.output_bias),
                       AttentionShape{a.heads, a.kv_heads, a.head_dim, a.window, scale}};
    if (a.qk_norm == QkNorm::kPerHead) {
      self.norms.q = &norm(Role::kQNorm);
      self.norms.k = &norm(Role::kKNorm);
      self.norms.eps = b.norm.eps;
    }
    GatedMlp mlp{part(Role::kGate, b.mlp.bias), part(Role::kUp, b.mlp.bias), part(Role::kDown, b.mlp.bias)};
    Parameter& norm1 = norm(Role::kAttentionNorm);
    Parameter& norm2 = norm(Role::kMlpNorm);
    return {layer, b, norm1, norm2, std::move(self), std::move(mlp)};
  }

  Linear linear(const std::string& module, bool biased) {
    Parameter* bias = biased ? &parameter(module + ".bias", true) : nullptr;
    return {module, weight(module), bias};
  }

  std::unique_ptr<Weight> weight(const std::string& module) {
    const std::string name = module + ".weight";
    if (state_.packs(name)) return std::make_unique<PackedWeight>(state_.checkpoint->packed().matrix(name));
    if (const TensorView& view = find(name); !decode_all_ && in_blocks(view)) {
      return std::make_unique<StoredWeight>(view);
    }
    return std::make_unique<DenseWeight>(parameter(name, false));
  }

  // Whether the stored form is shorter than what it decodes to: else it is another order of rows only.
  static bool in_blocks(const TensorView& view) {
    return view.form != nullptr && view.shape().size() == 2 &&
           view.bits_per_element() < 8.0 * static_cast<double>(dtype_size(view.dtype()));
  }

  // A dense head of a packed model may be rounded where its other weights are read coarsely too.
  std::unique_ptr<Weight> projection() {
    const std::string module = name(Role::kHead);
    const bool tied = state_.spec.tied_embeddings;
    if (state_.packs(module + ".weight") && !tied) return weight(module);
    Parameter& p = tied ? state_.embedding->table() : parameter(module + ".weight", false);
    if (state_.checkpoint->is_packed()) return std::make_unique<RoundedWeight>(p);
    return std::make_unique<DenseWeight>(p);
  }

  // small: brought to f32 now; else borrowed as it lies in the file.
  Parameter& parameter(const std::string& name, bool small) {
    const TensorView& view = find(name);
    LQ_CHECK(is_stored_weight_dtype(view.dtype()), kUnsupported,
             "[model] {}: {} is {} (expected F32, BF16, F16 or F64)", state_.path(), name,
             dtype_name(view.dtype()));
    Parameter& p = state_.parameters.emplace_back();
    p.name = name;
    p.value = small || !is_weight_dtype(view.dtype()) ? view.copy_f32() : view.values();
    state_.by_name.emplace(name, &p);
    return p;
  }

  const TensorView& find(const std::string& name) const {
    const bool table = name == this->name(Role::kEmbedding) + ".weight";
    return table ? embedding_tensor(state_.reader(), state_.names, state_.spec.tied_embeddings)
                 : state_.reader().at(name);
  }

  Model::State& state_;
  bool decode_all_;
};

}  // namespace

Model Model::load(Context& ctx, const std::filesystem::path& path, const ModelLoadOptions& options) {
  return load(ctx, Checkpoint::open(path), options);
}

Model Model::load(Context& ctx, CheckpointPtr checkpoint, const ModelLoadOptions& options) {
  const std::filesystem::path beside = checkpoint->directory() / "adapter";
  const bool packed = checkpoint->is_packed();
  auto state = std::make_unique<State>(std::move(checkpoint));
  Loader(*state, options.decode_all).build();
  Model model(std::move(state));

  std::filesystem::path adapter = options.adapter;
  if (adapter.empty() && packed && std::filesystem::exists(beside / "adapter_config.json")) adapter = beside;
  if (!adapter.empty() && !options.no_adapter) {
    bool named = false;
    if (options.check_base_hash) named = PeftAdapterReader(adapter).base_hash().has_value();
    model.load_adapter(ctx, adapter, named ? model.base_hash(ctx) : std::string());
  }
  return model;
}

std::string Model::base_hash(Context& ctx) const { return state_->checkpoint->base_hash(ctx.pool, ctx.stop); }

}  // namespace lq
