#include "train/lora_setup.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/option_error.h"
#include "base/rng.h"
#include "ops/elementwise.h"
#include "ops/host_math.h"
#include "train/whole_parameters.h"
#include "unicode/module_pattern.h"

namespace lq {
namespace {

constexpr std::int64_t kDefaultRank = 64;  // the paper's

// Those that an adapter is put beside unasked, or has been: tied to the embedding, the head is no module of
// its own, and no new part is stacked on the one that it has.
std::vector<Module> own_modules(Model& model, LoraStart start = LoraStart::kAdapter) {
  const bool stacked = start == LoraStart::kStacked;
  std::vector<Module> all = model.modules();
  std::erase_if(all, [stacked](const Module& m) {
    return !m.owns_weight() && (stacked || m.linear->lora() == nullptr);
  });
  return all;
}

bool names(const std::string& target, const std::string& module) {
  if (module == target || module.ends_with("." + target)) return true;
  if (target.find_first_of("*+?[](){}|\\^$") == std::string::npos) return false;
  return ModulePattern(target, "target", ErrorCode::kInvalidArgument).matches(module);
}

std::vector<Linear*> choose(Model& model, const LoraOptions& options) {
  std::vector<Linear*> chosen;
  if (options.targets.empty()) {
    const bool has = model.has_adapter();
    for (const Module& m : own_modules(model, options.start)) {
      if (has ? total_rank(*m.linear) > 0 : m.in_block()) chosen.push_back(m.linear);
    }
    return chosen;
  }
  std::vector<bool> used(options.targets.size());
  const std::vector<Module> modules = own_modules(model, options.start);
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

// What alpha is divided by.
double scaling_root(std::int64_t rank, bool rslora) {
  const auto r = static_cast<double>(rank);
  return rslora ? std::sqrt(r) : r;
}

// Parts that the adapter has not, beside its own or on top of them, get its rank and its scaling where
// nothing else is asked for.
struct NewParts {
  std::int64_t rank = 0;
  float scaling = 1.0F;
};

NewParts new_parts(Model& model, const LoraOptions& options) {
  const Lora* first = nullptr;
  for (const Linear* linear : adapter_linears(model)) {
    if (first == nullptr) first = linear->lora();
  }
  NewParts parts;
  parts.rank = options.rank > 0 ? options.rank : first != nullptr ? first->rank() : kDefaultRank;
  const double alpha = options.alpha > 0 ? options.alpha : static_cast<double>(parts.rank);
  const bool as_adapter = options.alpha <= 0 && first != nullptr;
  parts.scaling =
      as_adapter ? first->scaling : static_cast<float>(alpha / scaling_root(parts.rank, options.rslora));
  return parts;
}

void check_stacked(Model& model) {
  check_option(model.has_adapter(), "init",
               "stacked: the model has no low-rank part (no adapter was given, and the base brings none)");
  check_option(!model.has_magnitudes() && model.embedding().lora() == nullptr, "init",
               "stacked: the adapter to start from has a magnitude (DoRA) or a low-rank part of the "
               "embedding, beside which no other can be put");
}

// A rank that each of them allows, or has.
void check_ranks(const std::vector<Linear*>& chosen, const LoraOptions& options, const NewParts& parts) {
  for (const Linear* linear : chosen) {
    if (linear->lora() == nullptr || options.start == LoraStart::kStacked) {
      check_option(parts.rank <= std::min(linear->in(), linear->out()), "rank",
                   "{}: more than {} [{}, {}] allows", parts.rank, linear->name(), linear->out(),
                   linear->in());
    } else {
      const std::int64_t rank = linear->lora()->rank();
      check_option(options.rank == 0 || options.rank == rank, "rank",
                   "{}: the adapter to start from has rank {} at {}", options.rank, rank, linear->name());
    }
  }
}

// What the adapter brings stays as it is, and new parts go beside it.
void freeze_adapter(Model& model) {
  for (Linear* linear : adapter_linears(model)) {
    if (linear->lora() != nullptr) linear->freeze_lora();
  }
}

void start_from_zero(Context& ctx, Model& model, Linear& linear, const NewParts& parts) {
  const std::int64_t rank = parts.rank;
  auto lora = std::make_unique<Lora>();
  lora->a.name = linear.name() + ".lora_A.weight";
  lora->b.name = linear.name() + ".lora_B.weight";
  lora->a.value = Tensor::empty(DType::kF32, {rank, linear.in()});
  lora->b.value = Tensor::zeros(DType::kF32, {linear.out(), rank});
  const Rng rng(ctx.seed, stream_of(lora->a.name));
  const double bound = 1.0 / std::sqrt(static_cast<double>(linear.in()));
  fill_uniform(ctx.pool, rng, bound, span_of<float>(lora->a.value));
  lora->scaling = parts.scaling;
  // PEFT gives magnitudes to all modules of an adapter or to none.
  if (model.has_magnitudes()) {
    lora->magnitude = std::make_unique<Magnitude>();
    lora->magnitude->m.name = linear.name() + ".lora_magnitude_vector";
  }
  linear.set_lora(std::move(lora));
  linear.update_magnitude(ctx);
}

// Makes the linear's low-rank part learn, at the scaling that the options ask for.
void train_part(Context& ctx, Linear& linear, const LoraOptions& options) {
  Lora& lora = *linear.lora();
  lora.a.make_trainable();
  lora.b.make_trainable();
  if (lora.magnitude != nullptr) lora.magnitude->m.make_trainable();
  if (options.alpha <= 0) return;
  const double scaling = options.alpha / scaling_root(lora.rank(), options.rslora);
  const auto factor = static_cast<float>(std::sqrt(lora.scaling / scaling));
  if (factor == 1.0F) return;
  scale(ctx, factor, span_of<float>(lora.a.value));
  scale(ctx, factor, span_of<float>(lora.b.value));
  lora.scaling = static_cast<float>(scaling);
}

// The scaling is kept in f32; an alpha of whole numbers should come back as it was given.
double alpha_of(float scaling, double root) {
  const double alpha = scaling * root;
  const double whole = std::round(alpha);
  return static_cast<float>(whole / root) == scaling ? whole : alpha;
}

std::vector<LoraSpec> specs_of(Model& model, bool rslora) {
  std::vector<LoraSpec> specs;
  for (const Linear* linear : adapter_linears(model)) {
    const Lora* const lora = linear->lora() != nullptr ? linear->lora() : linear->fixed_lora();
    if (lora == nullptr) continue;
    const std::int64_t rank = total_rank(*linear);
    specs.push_back({linear->name(), rank, linear->in(), linear->out(),
                     alpha_of(lora->scaling, scaling_root(rank, rslora)), lora->magnitude != nullptr});
  }
  if (const EmbeddingLora* const table = model.embedding().lora(); table != nullptr) {
    specs.push_back({model.embedding().name(), table->rank(), table->a.value.dim(0), table->b.value.dim(0),
                     alpha_of(table->scaling, scaling_root(table->rank(), rslora)),
                     table->magnitude != nullptr, true});
  }
  return specs;
}

bool names_any(const std::vector<std::string>& targets, const std::string& module) {
  return std::any_of(targets.begin(), targets.end(),
                     [&](const std::string& target) { return names(target, module); });
}

}  // namespace

std::vector<Linear*> adapter_linears(Model& model) {
  std::vector<Linear*> all;
  for (const Module& m : own_modules(model)) all.push_back(m.linear);
  return all;
}

std::int64_t total_rank(const Linear& linear) {
  std::int64_t rank = 0;
  for (const Lora* part : {linear.fixed_lora(), linear.lora()}) rank += part != nullptr ? part->rank() : 0;
  return rank;
}

LoraState lora_setup(Context& ctx, Model& model, const LoraOptions& options) {
  check_option(options.rank >= 0, "rank", "is {}, but must be at least 1", options.rank);
  // Beyond these bounds a scaling is 0 or infinite in f32.
  check_option(options.alpha == 0 || (options.alpha >= 1e-30 && options.alpha <= 1e30), "alpha",
               "is {}, but must be from 1e-30 to 1e30, or 0 (chosen)", options.alpha);
  LoraState state;
  state.rslora = options.rslora;
  const NewParts parts = new_parts(model, options);
  // All is checked before anything changes: a model that is refused stays as it was.
  if (options.start == LoraStart::kStacked) check_stacked(model);
  const std::vector<Linear*> chosen = choose(model, options);
  check_ranks(chosen, options, parts);
  state.whole = train_whole(model, options);
  if (options.start == LoraStart::kStacked) freeze_adapter(model);
  EmbeddingLora* const table = model.embedding().lora();
  const bool table_learns =
      table != nullptr && (options.targets.empty() || names_any(options.targets, model.embedding().name()));
  if (table_learns) {
    table->a.make_trainable();
    table->b.make_trainable();
    if (table->magnitude != nullptr) table->magnitude->m.make_trainable();
    ++state.trained;
  }
  for (Linear* linear : chosen) {
    if (linear->lora() == nullptr) {
      start_from_zero(ctx, model, *linear, parts);
      ++state.started;
    }
    train_part(ctx, *linear, options);
    ++state.trained;
  }
  model.weights_changed();
  state.specs = specs_of(model, options.rslora);
  return state;
}

}  // namespace lq
