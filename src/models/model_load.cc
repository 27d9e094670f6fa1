#include <fmt/format.h>

#include <cmath>
#include <unordered_set>

#include "base/rng.h"
#include "formats/packed_module.h"
#include "models/adapter_to_load.h"
#include "models/model.h"
#include "models/model_check.h"
#include "models/model_state.h"
#include "models/registry.h"
#include "nn/dense_weight.h"
#include "nn/packed_weight.h"
#include "nn/rounded_weight.h"
#include "nn/stored_weight.h"
#include "ops/elementwise.h"

namespace lq {
namespace {

class Loader {
 public:
  Loader(Context& ctx, Model::State& state, const ModelLoadOptions& options)
      : ctx_(ctx), state_(state), decode_all_(options.decode_all), labels_(options.labels) {}

  void build() {
    const ModelSpec& m = state_.spec;
    check_model_config(m, state_.names, shapes(), state_.path());
    if (const auto unused = unused_block_tensors(m, state_.names, shapes()); !unused.empty()) {
      ctx_.progress.note(fmt::format(
          "{}: {} tensors of its layers, such as {}, are none that config.json asks for: not used",
          state_.path(), unused.size(), unused.front()));
    }
    const std::string table = name(Role::kEmbedding);
    state_.embedding = std::make_unique<Embedding>(table, parameter(table + ".weight", false));
    if (m.learned_positions > 0) state_.positions = &parameter(name(Role::kPositions) + ".weight", false);
    if (m.token_types > 0) state_.types = &parameter(name(Role::kTypes) + ".weight", false);
    if (m.embedding_norm) state_.embedding_norm = norm(name(Role::kEmbeddingNorm), *m.embedding_norm);
    for (std::int64_t layer = 0; layer < m.layers(); ++layer) state_.blocks.push_back(block(layer));
    if (labels_) state_.spec.has_head = false;  // a task's labels have a head of their own
    if (m.has_head) build_head(m);
    if (labels_) {
      LQ_CHECK(m.encoder(), kUnsupported,
               "[model] {}: a task's labels need an encoder (such as BertModel), but this is a decoder",
               state_.path());
      state_.spec.labels = labels_;
    }
    if (state_.spec.labels) build_label_head(*state_.spec.labels);
  }

 private:
  void build_head(const ModelSpec& m) {
    std::optional<HeadDense> dense;
    if (m.head_dense) dense = HeadDense{linear(name(Role::kHeadDense), true), *m.head_dense};
    const Norm last = m.has_final_norm ? norm(name(Role::kFinalNorm), m.final_norm) : Norm();
    Parameter* const bias = m.head_bias ? &parameter(name(Role::kHeadBias) + ".bias", true) : nullptr;
    state_.head = std::make_unique<NextTokenHead>(last, Linear(name(Role::kHead), projection(), bias),
                                                  LogitsForm{m.logits_multiplier, m.logits_soft_cap});
    if (dense) state_.head->set_dense(std::move(*dense));
  }

  void build_label_head(const LabelSpec& labels) {
    const std::int64_t hidden = state_.spec.hidden;
    Linear dense = label_linear(name(Role::kLabelDense), hidden, hidden);
    Linear classifier = label_linear(name(Role::kLabelOutput), labels.outputs, hidden);
    state_.label_head = std::make_unique<LabelHead>(std::move(dense), state_.spec.label_activation,
                                                    std::move(classifier), labels.regression);
  }

  Linear label_linear(const std::string& module, std::int64_t out, std::int64_t in) {
    Parameter& weight = label_parameter(module + ".weight", {out, in});
    Parameter& bias = label_parameter(module + ".bias", {out});
    return {module, std::make_unique<DenseWeight>(weight), &bias};
  }

  // The checkpoint's, where it has one of this shape; else drawn: N(0, 0.02^2), biases 0.
  Parameter& label_parameter(const std::string& name, const Shape& shape) {
    const TensorView* const view = state_.reader().find(name);
    if (view != nullptr && view->shape() == shape) return parameter(name, true);
    constexpr float kDeviation = 0.02F;  // initializer_range
    Parameter& p = state_.parameters.emplace_back();
    p.name = name;
    p.value = Tensor::zeros(DType::kF32, shape);
    if (shape.size() == 2) {
      Rng(ctx_.seed, stream_of(name)).fill_normal(ctx_.pool, p.value.mutable_data<float>(), p.value.numel());
      scale(ctx_, kDeviation, span_of<float>(p.value));
    }
    state_.by_name.emplace(name, &p);
    state_.fresh.push_back(name);
    return p;
  }

  std::string name(Role role, std::int64_t layer = -1) const { return state_.names.module(role, layer); }

  std::vector<NamedShape> shapes() const {
    std::vector<NamedShape> all;
    std::unordered_set<std::string> parts;  // what stands for packed matrices in the file
    if (state_.checkpoint->is_packed()) {
      for (const auto& [weight, module] : state_.checkpoint->packed().packed().modules) {
        all.push_back({weight, {module.rows, module.cols}});
        for (const TensorSpec& part : packed_tensor_specs(weight, module)) parts.insert(part.name);
      }
    }
    for (const TensorView& t : state_.reader().tensors()) {
      if (!parts.contains(t.name())) all.push_back({t.name(), t.shape()});
    }
    return all;
  }

  TransformerBlock block(std::int64_t layer) {
    const BlockSpec& b = state_.spec.blocks[static_cast<std::size_t>(layer)];
    const AttentionSpec& a = b.attention;
    const float scale = a.scale != 0.0F ? a.scale : 1.0F / std::sqrt(static_cast<float>(a.head_dim));
    const AttentionShape shape{a.heads, a.kv_heads, a.head_dim, a.window, scale, a.soft_cap, a.causal};
    const auto part = [&](Role role, bool bias) { return linear(name(role, layer), bias); };
    const auto norm = [&](Role role) { return this->norm(name(role, layer), b.norm); };
    Projections qkv = queries(layer, a);
    SelfAttention self{std::move(qkv), part(Role::kO, a.output_bias), shape, {}, a.rope};
    if (a.sinks) self.sinks = &parameter(name(Role::kSinks, layer), true);
    if (a.qk_norm != QkNorm::kNone) self.norms = {norm(Role::kQNorm), norm(Role::kKNorm)};
    FeedForward mlp = feed_forward(layer, b.mlp);
    BranchNorms norms1, norms2;
    if (norm_before(b.place)) {
      norms1.before = norm(Role::kAttentionNorm);
      norms2.before = norm(Role::kMlpNorm);
    }
    if (norm_after(b.place)) {
      norms1.after = norm(Role::kAttentionNormAfter);
      norms2.after = norm(Role::kMlpNormAfter);
    }
    TransformerBlock made(layer, b, norms1, norms2, std::move(self), std::move(mlp), groups_);
    groups_ += made.input_groups();
    return made;
  }

  Projections queries(std::int64_t layer, const AttentionSpec& a) {
    if (a.fused_qkv) {
      const std::int64_t kv = a.kv_heads * a.head_dim;
      return Projections::fused(linear(name(Role::kQkv, layer), a.qkv_bias), {a.heads * a.head_dim, kv, kv});
    }
    Linear q = linear(name(Role::kQ, layer), a.qkv_bias);
    Linear k = linear(name(Role::kK, layer), a.qkv_bias);
    Linear v = linear(name(Role::kV, layer), a.qkv_bias);
    return Projections::apart(std::move(q), std::move(k), std::move(v));
  }

  FeedForward feed_forward(std::int64_t layer, const MlpSpec& m) {
    if (m.experts == 0) {
      Projections in = gates(layer, m);
      return Mlp{std::move(in), linear(name(Role::kDown, layer), m.bias), m.activation, m.clamp};
    }
    Experts all{linear(name(Role::kRouter, layer), m.router_bias), {}, m.experts_used, m.normalized_routing};
    for (std::int64_t e = 0; e < m.experts; ++e) {
      const auto part = [&](Role role) { return linear(state_.names.module(role, layer, e), m.bias); };
      Linear gate = part(Role::kExpertGate);
      Linear up = part(Role::kExpertUp);
      Linear down = part(Role::kExpertDown);
      all.experts.push_back(
          {Projections::apart(std::move(gate), std::move(up)), std::move(down), m.activation, m.clamp});
    }
    return all;
  }

  Projections gates(std::int64_t layer, const MlpSpec& m) {
    if (m.fused_gate_up)
      return Projections::fused(linear(name(Role::kGateUp, layer), m.bias), {m.inner, m.inner});
    if (!m.gated) return Projections::apart(linear(name(Role::kUp, layer), m.bias));
    Linear gate = linear(name(Role::kGate, layer), m.bias);
    Linear up = linear(name(Role::kUp, layer), m.bias);
    return Projections::apart(std::move(gate), std::move(up));
  }

  Norm norm(const std::string& module, const NormSpec& spec) {
    Parameter& weight = parameter(module + ".weight", true);
    Parameter* bias = spec.kind == NormKind::kLayer ? &parameter(module + ".bias", true) : nullptr;
    return {spec.kind, spec.eps, weight, bias};
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

  Context& ctx_;
  Model::State& state_;
  bool decode_all_;
  std::int64_t groups_ = 0;  // inputs of the blocks so far
  std::optional<LabelSpec> labels_;
};

}  // namespace

std::filesystem::path adapter_to_load(const Checkpoint& checkpoint, const ModelLoadOptions& options) {
  if (options.no_adapter) return {};
  if (!options.adapter.empty()) return options.adapter;
  const std::filesystem::path beside = checkpoint.directory() / "adapter";
  const bool there = checkpoint.is_packed() && std::filesystem::exists(beside / "adapter_config.json");
  return there ? beside : std::filesystem::path();
}

Model Model::load(Context& ctx, const std::filesystem::path& path, const ModelLoadOptions& options) {
  return load(ctx, Checkpoint::open(path), options);
}

Model Model::load(Context& ctx, CheckpointPtr checkpoint, const ModelLoadOptions& options) {
  const std::filesystem::path adapter = adapter_to_load(*checkpoint, options);
  auto state = std::make_unique<State>(std::move(checkpoint));
  Loader(ctx, *state, options).build();
  Model model(std::move(state));

  LQ_CHECK(options.lora_scale == 1.0 || !adapter.empty(), kInvalidArgument,
           "`lora-scale` {}: there is no adapter that it could scale", options.lora_scale);
  if (!adapter.empty()) {
    bool named = false;
    if (options.check_base_hash) named = PeftAdapterReader(adapter).base_hash().has_value();
    model.load_adapter(ctx, adapter, named ? model.base_hash(ctx) : std::string(), options.lora_scale);
  }
  return model;
}

std::string Model::base_hash(Context& ctx) const { return state_->checkpoint->base_hash(ctx.pool, ctx.stop); }

}  // namespace lq
