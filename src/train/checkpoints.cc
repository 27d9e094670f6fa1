#include "train/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <list>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "files/json_object.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

using Tensors = std::vector<std::pair<std::string, const Tensor*>>;

constexpr std::string_view kBest = "best";

std::string name_of(std::int64_t step) { return fmt::format("step-{:010}", step); }

void add_parameters(const std::vector<Parameter*>& parameters, Tensors& to) {
  for (const Parameter* p : parameters) to.emplace_back("value." + p->name, &p->value);
}

void read_parameters(Context& ctx, const SafetensorsReader& file, const std::vector<Parameter*>& parameters) {
  for (Parameter* p : parameters) {
    const TensorView& view = file.at("value." + p->name);
    LQ_CHECK(view.dtype() == DType::kF32 && view.shape() == p->value.shape(), kMismatch,
             "[train] {}: {} is {} {}, but {} was expected", file.path().string(), p->name,
             dtype_name(view.dtype()), shape_text(view.shape()), shape_text(p->value.shape()));
    copy_bytes(ctx, view.data, p->value);
  }
}

// The same on the processor; `copies` owns those that lie elsewhere.
Tensors on_host(Context& ctx, Tensors tensors, std::list<Tensor>& copies) {
  for (auto& [name, tensor] : tensors) {
    if (!tensor->device().is_cpu()) tensor = &copies.emplace_back(copy_to_host(ctx, *tensor));
  }
  return tensors;
}

}  // namespace

Checkpoints::Checkpoints(const std::filesystem::path& directory, std::int64_t keep)
    : directory_(directory), store_(directory), keep_(std::max<std::int64_t>(1, keep)) {}

std::vector<std::int64_t> Checkpoints::steps() const {
  std::vector<std::int64_t> all;
  constexpr std::string_view kMark = "-step-";
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string name = entry.path().filename().string();
    const std::size_t at = name.find(kMark);
    if (at == std::string::npos || !name.ends_with(".safetensors")) continue;
    std::int64_t step = -1;
    const char* const digits = name.data() + at + kMark.size();
    std::from_chars(digits, name.data() + name.size(), step);
    if (step >= 0 && store_.file_of(name_of(step)).filename() == name) all.push_back(step);
  }
  std::sort(all.begin(), all.end());
  return all;
}

void Checkpoints::save(Context& ctx, const TrainState& state, const std::vector<Parameter*>& parameters,
                       const AdamW& optimizer) const {
  Tensors tensors = optimizer.state();
  add_parameters(parameters, tensors);
  std::list<Tensor> copies;
  store_.put(name_of(state.step), on_host(ctx, std::move(tensors), copies),
             {{"state", to_json(state)}, {"optimizer_steps", optimizer.steps()}});
  const auto all = steps();
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep_) < all.size(); ++i)
    store_.erase(name_of(all[i]));
}

std::optional<TrainState> Checkpoints::restore(Context& ctx, const std::vector<Parameter*>& parameters,
                                               AdamW& optimizer) const {
  auto all = steps();
  for (; !all.empty(); all.pop_back()) {
    const auto item = store_.get(name_of(all.back()));
    if (!item) continue;
    const std::string who = "[train] " + item->file.path().string();
    const JsonObject info = JsonObject::record(item->info, who);
    const TrainState state = train_state_from_json(nlohmann::json(info.any("state")), who);
    read_parameters(ctx, item->file, parameters);
    optimizer.restore(ctx, item->file, info.count("optimizer_steps"));
    return state;
  }
  return std::nullopt;
}

void Checkpoints::save_best(Context& ctx, std::int64_t step,
                            const std::vector<Parameter*>& parameters) const {
  Tensors tensors;
  add_parameters(parameters, tensors);
  std::list<Tensor> copies;
  store_.put(kBest, on_host(ctx, std::move(tensors), copies), {{"step", step}});
}

bool Checkpoints::restore_best(Context& ctx, const std::vector<Parameter*>& parameters) const {
  const auto item = store_.get(kBest);
  if (item) read_parameters(ctx, item->file, parameters);
  return item.has_value();
}

}  // namespace lq
