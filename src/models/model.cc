#include "models/model.h"

#include <algorithm>
#include <utility>

#include "models/model_check.h"
#include "models/model_state.h"

namespace lq {

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

const ModelSpec& Model::spec() const { return state_->spec; }
const TensorNames& Model::names() const { return state_->names; }
const JsonObject& Model::hf_config() const { return state_->checkpoint->config(); }
const CheckpointPtr& Model::checkpoint() const { return state_->checkpoint; }
bool Model::packed() const { return state_->checkpoint->is_packed(); }

bool Model::has_adapter() const {
  if (state_->embedding->lora() != nullptr) return true;
  return std::ranges::any_of(state_->modules(), [](const Module& m) {
    return m.linear->lora() != nullptr || m.linear->fixed_lora() != nullptr;
  });
}

Parameter* Model::find_parameter(std::string_view name) {
  const auto it = state_->by_name.find(name);
  return it == state_->by_name.end() ? nullptr : it->second;
}

std::vector<Parameter*> Model::parameters() {
  std::vector<Parameter*> all;
  for (Parameter& p : state_->parameters) all.push_back(&p);
  return all;
}

std::vector<Module> Model::State::modules() {
  std::vector<Module> all;
  for (TransformerBlock& b : blocks) {
    for (Module& m : b.modules()) all.push_back(std::move(m));
  }
  const auto add = [&all](Role role, Linear& linear) {
    Module& m = all.emplace_back();
    m.name = linear.name();
    m.role = role;
    m.linear = &linear;
    m.input_group = all.size() > 1 ? all[all.size() - 2].input_group + 1 : 0;
  };
  if (label_head != nullptr) {
    add(Role::kLabelDense, label_head->dense());
    add(Role::kLabelOutput, label_head->classifier());
  }
  if (head == nullptr) return all;
  if (head->dense() != nullptr) add(Role::kHeadDense, *head->dense());
  Module top;
  top.name = head->projection().name();
  top.linear = &head->projection();
  top.input_group = all.empty() ? 0 : all.back().input_group + 1;
  if (tied()) top.tied.push_back(embedding->table().name);
  all.push_back(std::move(top));
  return all;
}

std::vector<Module> Model::modules() { return state_->modules(); }
Embedding& Model::embedding() { return *state_->embedding; }
const std::vector<std::string>& Model::replaced() const { return state_->replaced; }

// What an adapter has put beside the model, in a fixed order.
std::vector<Parameter*> Model::State::adapter_parameters() {
  std::vector<Parameter*> all;
  const auto add = [&all](auto* lora) {
    if (lora == nullptr) return;
    all.push_back(&lora->a);
    all.push_back(&lora->b);
    if (lora->magnitude != nullptr) all.push_back(&lora->magnitude->m);
  };
  for (const Module& m : modules()) add(m.linear->lora());
  add(embedding->lora());
  return all;
}

Linear* Model::find_linear(std::string_view module) {
  for (const Module& m : modules()) {
    if (m.name == module) return m.linear;
  }
  return nullptr;
}

std::vector<Parameter*> Model::trainable() {
  std::vector<Parameter*> all;
  for (Parameter& p : state_->parameters) {
    if (p.trainable()) all.push_back(&p);
  }
  for (Parameter* p : state_->adapter_parameters()) {
    if (p->trainable()) all.push_back(p);
  }
  return all;
}

void Model::train_adapters() {
  for (Parameter* p : state_->adapter_parameters()) p->make_trainable();
}

void Model::update_magnitudes(Context& ctx) {
  for (const Module& m : modules()) m.linear->update_magnitude(ctx);
  state_->embedding->update_magnitude(ctx);
}

void Model::weights_changed() { ++state_->weights_version; }
std::uint64_t Model::weights_version() const { return state_->weights_version; }

bool Model::has_magnitudes() {
  const EmbeddingLora* const table = state_->embedding->lora();
  if (table != nullptr && table->magnitude != nullptr) return true;
  return std::ranges::any_of(modules(), [](const Module& m) {
    return m.linear->lora() != nullptr && m.linear->lora()->magnitude != nullptr;
  });
}

void Model::set_lora_dropout(const LoraDropout* dropout) {
  for (const Module& m : modules()) m.linear->set_lora_dropout(dropout);
  state_->dropout = dropout;
}

SequencePlan Model::plan(Context& ctx, const TokenBatch& batch) const {
  batch.check();
  SequencePlan plan;
  plan.tokens = batch.tokens();
  plan.segments = whole_segments(batch.starts);
  std::int64_t longest = 0;
  for (const auto& s : plan.segments) longest = std::max(longest, s.q_count);
  plan.positions = positions_of(batch);
  plan.types.assign(batch.types.begin(), batch.types.end());
  state_->set_ropes(ctx, longest, plan);
  return plan;
}

void Model::State::set_ropes(Context& ctx, std::int64_t longest, SequencePlan& plan) const {
  const auto table = [&](const RopeConfig& rope) {
    return make_rope_table(ctx, plan.positions, rope_frequencies(rope, spec.head_dim(), longest),
                           static_cast<float>(rope.attention_factor));
  };
  if (spec.uses(RopeUse::kGlobal)) plan.rope = table(spec.rope);
  if (spec.uses(RopeUse::kLocal)) plan.local_rope = table(spec.local_rope);
}

TransformerBlock& Model::block(std::int64_t layer) { return state_->blocks[static_cast<std::size_t>(layer)]; }
const TransformerBlock& Model::block(std::int64_t layer) const {
  return state_->blocks[static_cast<std::size_t>(layer)];
}
const NextTokenHead& Model::head() const {
  LQ_CHECK(state_->head != nullptr, kUnsupported,
           "[model] {}: this model has no head over the vocabulary (no masked or next-token one)",
           state_->path());
  return *state_->head;
}
NextTokenHead& Model::head() { return const_cast<NextTokenHead&>(std::as_const(*this).head()); }
LabelHead* Model::label_head() { return state_->label_head.get(); }
const LabelHead* Model::label_head() const { return state_->label_head.get(); }
const std::vector<std::string>& Model::fresh() const { return state_->fresh; }

KvCache Model::make_cache(std::int64_t capacity) const {
  const ModelSpec& c = state_->spec;
  refuse_encoder(c, state_->path(), "generate text");
  check_sequence_length(c, capacity, state_->path());
  return {c.layers(), c.kv_width(), capacity, device()};
}

ModelMemory Model::memory_estimate(std::int64_t tokens, bool training, Keep keep) const {
  const ModelSpec& c = state_->spec;
  ModelMemory m;
  for (const Parameter& p : state_->parameters) {
    m.weights += static_cast<std::int64_t>(p.value.bytes());
    m.parameters += static_cast<std::int64_t>(p.grad.bytes());
  }
  std::int64_t widest = c.hidden;
  for (const Module& module : state_->modules()) {
    Linear& linear = *module.linear;
    if (linear.weight().parameter() == nullptr) m.weights += linear.weight().bytes();
    if (module.in_block()) widest = std::max({widest, linear.in(), linear.out()});
    if (const Lora* fixed = linear.fixed_lora()) {
      m.parameters += static_cast<std::int64_t>(fixed->a.value.bytes() + fixed->b.value.bytes());
    }
  }
  for (const Parameter* p : state_->adapter_parameters()) {
    m.parameters += static_cast<std::int64_t>(p->value.bytes() + p->grad.bytes());
  }
  const auto bytes = [](std::int64_t floats) { return floats * static_cast<std::int64_t>(sizeof(float)); };
  const std::int64_t tape = BlockTape::floats(state_->blocks.front().tape_shape(tokens));
  m.activations = bytes(tape);
  if (training) {
    const std::int64_t tapes = keep == Keep::kActivations ? c.layers() : 1;
    m.activations = bytes(tapes * tape + c.layers() * tokens * c.hidden);
  }
  // The stream, norms and the widest intermediate values; a panel of a weight; the head's chunk of logits.
  const std::int64_t chunk = c.has_head ? std::min(tokens, head().chunk_tokens()) : 0;
  m.scratch = bytes(tokens * (4 * c.hidden + 2 * widest) + (std::int64_t{1} << 20) +
                    chunk * (c.vocab + 2 * c.hidden));
  return m;
}

std::string name_beside_labels(const Model& model, const std::string& name) {
  const TensorNames& names = model.names();
  if (names.dropped_body.empty()) return name;
  const bool of_head =
      name.starts_with(names.module(Role::kLabelOutput)) ||
      (!model.spec().label_dense_in_body && name.starts_with(names.module(Role::kLabelDense)));
  return of_head ? name : names.dropped_body + name;
}

}  // namespace lq
