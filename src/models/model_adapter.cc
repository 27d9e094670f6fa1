// Adapters beside a model, as PEFT 0.21 puts them there.
#include <algorithm>

#include "models/model.h"
#include "models/model_state.h"
#include "nn/dense_weight.h"
#include "nn/rounded_weight.h"
#include "ops/lengths.h"

namespace lq {
namespace {

std::unique_ptr<Magnitude> magnitude_of(const LoraPair& pair) {
  if (!pair.magnitude) return nullptr;
  auto magnitude = std::make_unique<Magnitude>();
  magnitude->m.name = pair.module + ".lora_magnitude_vector";
  magnitude->m.value = pair.magnitude->copy_f32();
  return magnitude;
}

}  // namespace

void Model::State::untie() {
  Parameter& table = embedding->table();
  const std::string module = names.module(Role::kHead);
  Parameter& p = parameters.emplace_back();
  p.name = module + ".weight";
  p.value = std::move(table.value);
  table.value = Tensor::borrow(p.value.dtype(), p.value.shape(), p.value.raw());
  by_name.emplace(p.name, &p);
  std::unique_ptr<Weight> weight = std::make_unique<DenseWeight>(p);
  if (checkpoint->is_packed()) weight = std::make_unique<RoundedWeight>(p);
  head->set_projection(Linear(module, std::move(weight)));
  spec.tied_embeddings = false;
}

void Model::State::replace(const TensorView& view, bool in_place, const std::filesystem::path& adapter) {
  const std::string table = names.module(Role::kEmbedding) + ".weight";
  const std::string top = names.module(Role::kHead) + ".weight";
  const bool of_pair = tied() && (view.name() == table || view.name() == top);
  if (of_pair && !in_place) untie();
  const std::string name = of_pair && in_place ? table : view.name();
  const auto at = by_name.find(name);
  LQ_CHECK(at != by_name.end() || !packs(name), kUnsupported,
           "[adapter] {}: replaces {} whole, but in {} that is a packed weight", adapter.string(), name,
           path());
  LQ_CHECK(at != by_name.end(), kMismatch, "[adapter] {}: replaces {}, which {} does not have",
           adapter.string(), name, path());
  Parameter& p = *at->second;
  LQ_CHECK(view.shape() == p.value.shape(), kMismatch, "[adapter] {}: {} is {}, but {} has it as {}",
           adapter.string(), view.name(), shape_text(view.shape()), path(), shape_text(p.value.shape()));
  std::erase(fresh, name);
  // PEFT writes the base layer of an embedding or a head beside its low-rank part, changed or not.
  const bool same =
      view.dtype() == p.value.dtype() && std::equal(view.data, view.data + view.bytes, p.value.raw());
  if (same && !of_pair) return;
  if (!same) p.value = view.copy_f32();
  if (std::find(replaced.begin(), replaced.end(), name) == replaced.end()) replaced.push_back(name);
}

void Model::State::check_adapter(const PeftAdapterReader& reader, const std::filesystem::path& adapter) {
  const std::string table = names.module(Role::kEmbedding);
  const std::string top = names.module(Role::kHead) + ".weight";
  std::vector<std::string> whole;
  for (const Parameter& p : parameters) whole.push_back(p.name);
  if (tied()) whole.push_back(top);
  reader.check_saved(whole, tied() ? table + ".weight" : "", tied() ? top : "");
  const LoraPair* const pair = reader.embedding();
  LQ_CHECK(pair == nullptr || pair->module == table, kMismatch,
           "[adapter] {}: there is no embedding {} in {}", adapter.string(),
           pair == nullptr ? std::string() : pair->module, path());
}

void Model::load_adapter(Context& ctx, const std::filesystem::path& directory, std::string_view base_hash,
                         double lora_scale) {
  PeftAdapterReader reader(directory);
  reader.fuse(fused_modules(hf_config()));
  reader.rename([this](const std::string& name) { return state_->names.own(name); });
  if (!base_hash.empty()) reader.check_base(base_hash);
  state_->check_adapter(reader, directory);
  // All copies first: they take the base's values, whatever the other of the pair becomes.
  for (const bool in_place : {false, true}) {
    for (const TensorView& view : reader.replaced()) {
      if (reader.in_place(view.name()) == in_place) state_->replace(view, in_place, directory);
    }
  }
  std::sort(state_->replaced.begin(), state_->replaced.end());
  LQ_CHECK(lora_scale == 1.0 || state_->replaced.empty(), kUnsupported,
           "[adapter] {}: `lora-scale` {}, but the adapter replaces {} whole, which cannot be scaled",
           directory.string(), lora_scale, state_->replaced.front());
  for (const LoraPair& pair : reader.pairs()) {
    Linear* linear = find_linear(pair.module);
    LQ_CHECK(linear != nullptr, kMismatch, "[adapter] {}: there is no linear module {} in {}",
             directory.string(), pair.module, state_->path());
    auto lora = std::make_unique<Lora>();
    lora->a.name = linear->name() + ".lora_A.weight";
    lora->b.name = linear->name() + ".lora_B.weight";
    lora->a.value = pair.a.copy_f32();
    lora->b.value = pair.b.copy_f32();
    lora->scaling = static_cast<float>(pair.scaling * lora_scale);
    lora->magnitude = magnitude_of(pair);
    linear->set_lora(std::move(lora));
  }
  if (const LoraPair* pair = reader.embedding()) {
    auto lora = std::make_unique<EmbeddingLora>();
    lora->a.name = pair->module + ".lora_embedding_A";
    lora->b.name = pair->module + ".lora_embedding_B";
    const Tensor a = pair->a.copy_f32();
    lora->a.value = Tensor::empty(DType::kF32, {pair->in, pair->rank});
    transpose(ctx.pool, const_matrix_of(a), matrix_of(lora->a.value));
    lora->b.value = pair->b.copy_f32();
    lora->scaling = static_cast<float>(pair->scaling * lora_scale);
    lora->magnitude = magnitude_of(*pair);
    state_->embedding->set_lora(ctx, std::move(lora));
  }
  update_magnitudes(ctx);
}

}  // namespace lq
