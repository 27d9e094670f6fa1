#include "train/lora_setup.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "base/option_error.h"
#include "base/rng.h"
#include "ops/elementwise.h"
#include "ops/host_math.h"
#include "ops/lengths.h"
#include "unicode/module_pattern.h"

namespace lq {
namespace {

constexpr std::int64_t kDefaultRank = 64;  // the paper's

// Those that an adapter is put beside unasked, or has been: tied to the embedding, the head is no module of
// its own.
std::vector<Module> own_modules(Model& model) {
  std::vector<Module> all = model.modules();
  std::erase_if(all, [](const Module& m) { return !m.owns_weight() && m.linear->lora() == nullptr; });
  return all;
}

std::vector<Linear*> all_linears(Model& model) {
  std::vector<Linear*> all;
  for (const Module& m : own_modules(model)) all.push_back(m.linear);
  return all;
}

// Of the low-rank part and the fixed one together; 0: neither.
std::int64_t rank_of(const Linear& linear) {
  std::int64_t rank = 0;
  for (const Lora* part : {linear.fixed_lora(), linear.lora()}) rank += part != nullptr ? part->rank() : 0;
  return rank;
}

bool names(const std::string& target, const std::string& module) {
  if (module == target || module.ends_with("." + target)) return true;
  if (target.find_first_of("*+?[](){}|\\^$") == std::string::npos) return false;
  return ModulePattern(target, "target").matches(module);
}

std::vector<Linear*> choose(Model& model, const LoraOptions& options) {
  std::vector<Linear*> chosen;
  if (options.targets.empty()) {
    const bool has = model.has_adapter();
    for (const Module& m : own_modules(model)) {
      if (has ? rank_of(*m.linear) > 0 : m.in_block()) chosen.push_back(m.linear);
    }
    return chosen;
  }
  std::vector<bool> used(options.targets.size());
  const std::vector<Module> modules = own_modules(model);
  for (const Module& m : modules) {
    bool wanted = false;
    for (std::size_t i = 0; i < options.targets.size(); ++i) {
      if (!names(options.targets[i], m.name)) continue;
      used[i] = true;
      wanted = true;
    }
    if (wanted) chosen.push_back(m.linear);
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    check_option(used[i], "target", "{}: the model has no linear module of that name (such as {})",
                 options.targets[i], modules.front().name);
  }
  return chosen;
}

std::unique_ptr<Lora> start_from_zero(Context& ctx, const Linear& linear, std::int64_t rank) {
  check_option(rank <= std::min(linear.in(), linear.out()), "rank", "{}: more than {} [{}, {}] allows", rank,
               linear.name(), linear.out(), linear.in());
  auto lora = std::make_unique<Lora>();
  lora->a.name = linear.name() + ".lora_A.weight";
  lora->b.name = linear.name() + ".lora_B.weight";
  lora->a.value = Tensor::empty(DType::kF32, {rank, linear.in()});
  lora->b.value = Tensor::zeros(DType::kF32, {linear.out(), rank});
  const Rng rng(ctx.seed, stream_of(lora->a.name));
  const double bound = 1.0 / std::sqrt(static_cast<double>(linear.in()));
  fill_uniform(ctx.pool, rng, bound, span_of<float>(lora->a.value));
  return lora;
}

// Weights of all norms, and their biases.
std::set<std::string> norm_tensors(const Model& model) {
  std::set<std::string> names;
  for (ModelTensor& tensor : model_tensors(model.spec(), model.names())) {
    if (is_norm(tensor.role)) names.insert(std::move(tensor.name));
  }
  return names;
}

// Parameters that learn whole, by what they are called for people.
std::vector<Parameter*> whole_parameters(Model& model, const std::string& what) {
  std::vector<Parameter*> all;
  LabelHead* const labels = model.label_head();
  if (what == "pooler" && labels != nullptr && model.spec().label_dense_in_body) {
    all = {labels->dense().weight().parameter(), labels->dense().bias()};
  }
  const auto norms = what == "norms" ? norm_tensors(model) : std::set<std::string>();
  for (Parameter* p : model.parameters()) {
    const bool embeddings = p == &model.embedding().table();
    const bool head = model.spec().has_head && p == model.head().projection().weight().parameter();
    if (norms.contains(p->name) || (what == "embeddings" && embeddings) || (what == "head" && head)) {
      all.push_back(p);
    }
  }
  check_option(!all.empty(), "train", "{}: the model has none that is not packed", what);
  return all;
}

// Of the head over whole sequences.
std::vector<Parameter*> learning_label_parameters(Model& model) {
  LabelHead& head = *model.label_head();
  std::vector<Parameter*> all = {head.classifier().weight().parameter(), head.classifier().bias()};
  const std::string dense = head.dense().weight().parameter()->name;
  const bool fresh = std::find(model.fresh().begin(), model.fresh().end(), dense) != model.fresh().end();
  if (fresh || !model.spec().label_dense_in_body) {
    all.push_back(head.dense().weight().parameter());
    all.push_back(head.dense().bias());
  }
  return all;
}

// PEFT finds a dense base beside a head over sequences, where the body has its prefix; a packed one is ours.
std::string name_for_peft(const Model& model, const std::string& name) {
  return model.packed() || model.label_head() == nullptr ? name : name_beside_labels(model, name);
}

// "classifier.out_proj" -> "classifier": what PEFT saves whole.
std::vector<std::string> saved_heads(const Model& model, const LoraState& state) {
  std::vector<std::string> all;
  for (const Role role : {Role::kLabelOutput, Role::kLabelDense}) {
    const std::string module = model.names().module(role);
    const auto learns = [&](const Parameter* p) { return p->name.starts_with(module + "."); };
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
  const std::int64_t rank = rank_of(linear);
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

// The scaling is kept in f32; an alpha of whole numbers should come back as it was given.
double alpha_of(float scaling, double root) {
  const double alpha = scaling * root;
  const double whole = std::round(alpha);
  return static_cast<float>(whole / root) == scaling ? whole : alpha;
}

bool names_any(const std::vector<std::string>& targets, const std::string& module) {
  return std::any_of(targets.begin(), targets.end(),
                     [&](const std::string& target) { return names(target, module); });
}

void train_embedding(EmbeddingLora& lora, LoraState& state) {
  lora.a.make_trainable();
  lora.b.make_trainable();
  if (lora.magnitude != nullptr) lora.magnitude->m.make_trainable();
  ++state.trained;
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

LoraState lora_setup(Context& ctx, Model& model, const LoraOptions& options) {
  check_option(options.rank >= 0, "rank", "is {}, but must be at least 1", options.rank);
  check_option(options.alpha >= 0 && std::isfinite(options.alpha), "alpha", "is {}, but must be above 0",
               options.alpha);
  LoraState state;
  state.rslora = options.rslora;
  const auto root = [&](std::int64_t rank) {
    const auto r = static_cast<double>(rank);
    return options.rslora ? std::sqrt(r) : r;
  };
  // Targets beyond the adapter's get its rank, where that is one.
  std::int64_t rank = options.rank;
  for (const Linear* linear : all_linears(model)) {
    if (rank == 0 && linear->lora() != nullptr) rank = linear->lora()->rank();
  }
  if (rank == 0) rank = kDefaultRank;
  if (options.start == LoraStart::kStacked) {
    check_option(model.has_adapter(), "init",
                 "stacked: the model has no low-rank part (no adapter was given, and the base brings none)");
    check_option(!model.has_magnitudes() && model.embedding().lora() == nullptr, "init",
                 "stacked: the adapter to start from has a magnitude (DoRA) or a low-rank part of the "
                 "embedding, beside which no other can be put");
    for (Linear* linear : all_linears(model)) {
      if (linear->lora() != nullptr) linear->freeze_lora();
    }
  }

  for (const std::string& what : options.whole) {
    for (Parameter* p : whole_parameters(model, what)) {
      p->make_trainable();
      state.whole.push_back(p);
    }
  }
  if (options.label_head) {
    for (Parameter* p : learning_label_parameters(model)) {
      p->make_trainable();
      state.whole.push_back(p);
    }
  }
  for (const std::string& name : options.replaced) {
    Parameter* p = model.find_parameter(name);
    if (p != nullptr && !p->trainable()) state.whole.push_back(p);
  }
  // Tied weights are head and embeddings at once.
  std::sort(state.whole.begin(), state.whole.end(),
            [](const Parameter* a, const Parameter* b) { return a->name < b->name; });
  state.whole.erase(std::unique(state.whole.begin(), state.whole.end()), state.whole.end());

  EmbeddingLora* const table = model.embedding().lora();
  const bool table_learns =
      table != nullptr && (options.targets.empty() || names_any(options.targets, model.embedding().name()));
  if (table_learns) train_embedding(*table, state);
  // PEFT gives magnitudes to all modules of an adapter or to none.
  const bool magnitudes = model.has_magnitudes();
  for (Linear* linear : choose(model, options)) {
    Lora* lora = linear->lora();
    ++state.trained;
    if (lora == nullptr) {
      auto fresh = start_from_zero(ctx, *linear, rank);
      const double alpha = options.alpha > 0 ? options.alpha : static_cast<double>(rank);
      fresh->scaling = static_cast<float>(alpha / root(rank));
      if (magnitudes) {
        fresh->magnitude = std::make_unique<Magnitude>();
        fresh->magnitude->m.name = linear->name() + ".lora_magnitude_vector";
      }
      linear->set_lora(std::move(fresh));
      linear->update_magnitude(ctx);
      lora = linear->lora();
      ++state.started;
    } else {
      check_option(options.rank == 0 || options.rank == lora->rank(), "rank",
                   "{}: the adapter to start from has rank {} at {}", options.rank, lora->rank(),
                   linear->name());
    }
    lora->a.make_trainable();
    lora->b.make_trainable();
    if (lora->magnitude != nullptr) lora->magnitude->m.make_trainable();
    const double scaling = options.alpha > 0 ? options.alpha / root(lora->rank()) : lora->scaling;
    const auto factor = static_cast<float>(std::sqrt(lora->scaling / scaling));
    if (factor != 1.0F) {
      scale(ctx, factor, span_of<float>(lora->a.value));
      scale(ctx, factor, span_of<float>(lora->b.value));
      lora->scaling = static_cast<float>(scaling);
    }
  }
  for (const Linear* linear : all_linears(model)) {
    const Lora* const lora = linear->lora() != nullptr ? linear->lora() : linear->fixed_lora();
    if (lora == nullptr) continue;
    const std::int64_t total = rank_of(*linear);
    state.specs.push_back({linear->name(), total, linear->in(), linear->out(),
                           alpha_of(lora->scaling, root(total)), lora->magnitude != nullptr});
  }
  if (table != nullptr) {
    state.specs.push_back({model.embedding().name(), table->rank(), table->a.value.dim(0),
                           table->b.value.dim(0), alpha_of(table->scaling, root(table->rank())),
                           table->magnitude != nullptr, true});
  }
  return state;
}

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
  for (const Linear* linear : all_linears(model)) options.all_modules.push_back(peft(linear->name()));
  options.all_modules.push_back(peft(model.embedding().name()));
  for (const Parameter* p : model.parameters()) options.all_tensors.push_back(peft(p->name));
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
