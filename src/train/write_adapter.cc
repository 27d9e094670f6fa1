#include "train/write_adapter.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "formats/peft_adapter.h"
#include "formats/stored_layout.h"
#include "ops/host_math.h"
#include "ops/lengths.h"

namespace lq {
namespace {

// PEFT finds a dense base within a model with images, or beside a head over sequences, where the body has its
// prefix; a packed one is ours.
std::string name_for_peft(const Model& model, const std::string& name) {
  constexpr std::string_view kAlone = "model.";
  if (model.checkpoint()->within_images() && name.starts_with(kAlone))
    return std::string(kWithinImages) + name.substr(kAlone.size());
  return model.packed() || model.label_head() == nullptr ? name : name_beside_labels(model, name);
}

// "classifier.out_proj" -> "classifier": what PEFT saves whole. A bias alone, as with `bias` "all", is not.
std::vector<std::string> saved_heads(const Model& model, const LoraState& state) {
  std::vector<std::string> all;
  for (const Role role : {Role::kLabelOutput, Role::kLabelDense}) {
    const std::string module = model.names().module(role);
    const auto learns = [&](const Parameter* p) { return p->name == module + ".weight"; };
    if (std::none_of(state.whole.begin(), state.whole.end(), learns)) continue;
    const bool in_body = role == Role::kLabelDense && model.spec().label_dense_in_body;
    const std::string saved = in_body ? name_for_peft(model, module) : module.substr(0, module.find('.'));
    if (std::find(all.begin(), all.end(), saved) == all.end()) all.push_back(saved);
  }
  return all;
}

// What is not changed may still be as it lies in the base's file.
Tensor f32_of(const Tensor& t) {
  Tensor values = Tensor::empty(DType::kF32, t.shape());
  convert_to_f32(t.dtype(), t.raw(), 0, t.numel(), values.mutable_data<float>());
  return values;
}

// A and B of the fixed part and the one beside it as one pair, whose scaling is the latter's.
struct JoinedFactors {
  std::vector<float> a, b;
};

JoinedFactors join(const Linear& linear) {
  const Lora* const last = linear.lora() != nullptr ? linear.lora() : linear.fixed_lora();
  const std::int64_t rank = total_rank(linear);
  JoinedFactors joined;
  joined.b.resize(static_cast<std::size_t>(linear.out() * rank));
  std::int64_t before = 0;  // rank of the parts that are in
  for (const Lora* part : {linear.fixed_lora(), linear.lora()}) {
    if (part == nullptr) continue;
    const std::span<const float> a = part->a.values();
    joined.a.insert(joined.a.end(), a.begin(), a.end());
    const float factor = part->scaling / last->scaling;
    copy_scaled_columns(factor, const_matrix_of(part->b.value), {joined.b.data(), linear.out(), rank},
                        before);
    before += part->rank();
  }
  return joined;
}

void write_embedding(Context& ctx, const EmbeddingLora& lora, const std::string& module,
                     PeftAdapterWriter& writer) {
  Tensor a = Tensor::empty(DType::kF32, {lora.rank(), lora.a.value.dim(0)});
  transpose(ctx.pool, const_matrix_of(lora.a.value), matrix_of(a));
  writer.write(module, a.data<float>(), lora.b.value.data<float>());
  if (lora.magnitude != nullptr) writer.write_magnitude(module, lora.magnitude->m.value.data<float>());
}

// What the adapter's file holds whole: names in it and the parameters they come from. A tied pair that no
// low-rank part is beside is written as both tensors, for in PEFT each module has a copy of its own; else the
// tensor stands as the base layer of the module that has the low-rank part, and both follow it.
std::vector<std::pair<std::string, const Parameter*>> whole_tensors(Model& model, const LoraState& state) {
  std::vector<std::pair<std::string, const Parameter*>> all;
  if (!model.spec().has_head) {
    for (const Parameter* p : state.whole) all.emplace_back(p->name, p);
    return all;
  }
  const Linear& head = model.head().projection();
  const Parameter& table = model.embedding().table();
  const bool tied = model.head().projection().weight().parameter() == &table;
  for (const Parameter* p : state.whole) {
    const bool pair = tied && p == &table;
    const bool by_head = pair && model.embedding().lora() == nullptr && head.lora() != nullptr;
    if (!by_head) all.emplace_back(p->name, p);
    if (by_head || (pair && model.embedding().lora() == nullptr))
      all.emplace_back(head.name() + ".weight", p);
  }
  return all;
}

}  // namespace

void write_adapter(Context& ctx, Model& model, const LoraState& state, double dropout,
                   const std::string& base_hash, const std::string& base_model,
                   const std::filesystem::path& directory) {
  PeftConfig config;
  config.use_rslora = state.rslora;
  config.dropout = dropout;
  config.base_model = base_model;
  PeftWriterOptions options;
  options.base_hash = base_hash;
  const auto peft = [&model](const std::string& name) { return name_for_peft(model, name); };
  // The other parts of a model with images have modules whose names end alike: there, none is shortened.
  if (!model.checkpoint()->within_images()) {
    for (const Linear* linear : adapter_linears(model)) options.all_modules.push_back(peft(linear->name()));
    options.all_modules.push_back(peft(model.embedding().name()));
    for (const Parameter* p : model.parameters()) options.all_tensors.push_back(peft(p->name));
  }
  if (model.label_head() != nullptr) {
    config.task_type = "SEQ_CLS";
    options.saved_modules = saved_heads(model, state);
  }
  const auto whole = whole_tensors(model, state);
  for (const auto& [name, p] : whole) options.replaced.push_back({peft(name), DType::kF32, p->value.shape()});
  std::vector<LoraSpec> specs = state.specs;
  for (LoraSpec& spec : specs) spec.module = peft(spec.module);
  PeftAdapterWriter writer(directory, std::move(config), specs, options);
  for (const auto& [name, p] : whole) writer.write_replaced(peft(name), f32_of(p->value).data<float>());
  for (const LoraSpec& spec : state.specs) {
    const std::string module = peft(spec.module);
    if (spec.embedding) {
      write_embedding(ctx, *model.embedding().lora(), module, writer);
      continue;
    }
    const Linear& linear = *model.find_linear(spec.module);
    const JoinedFactors factors = join(linear);
    writer.write(module, factors.a.data(), factors.b.data());
    if (spec.magnitude) writer.write_magnitude(module, linear.lora()->magnitude->m.value.data<float>());
  }
  writer.finish();
}

}  // namespace lq
