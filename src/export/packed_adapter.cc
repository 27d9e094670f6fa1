#include "export/packed_adapter.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "formats/module_name.h"
#include "models/registry.h"
#include "models/tied_embeddings.h"

namespace lq {
namespace {

void check_replaced(const PackedCheckpoint& packed, const TensorView& view, const std::string& path) {
  const TensorView* dense = packed.reader().find(view.name());
  LQ_CHECK(!packed.packed().modules.contains(view.name()), kUnsupported,
           "{}: replaces {} whole, but in the model that is a packed matrix", path, view.name());
  const ModelEnds ends = model_ends(packed);
  if (view.name() == ends.head && ends.tied) dense = packed.reader().find(ends.table);
  LQ_CHECK(dense != nullptr, kMismatch, "{}: replaces {}, which the model does not have", path, view.name());
  LQ_CHECK(dense->shape() == view.shape(), kMismatch, "{}: {} is {}, but the model has it as {}", path,
           view.name(), shape_text(view.shape()), shape_text(dense->shape()));
}

// [outputs, inputs] of a linear module; nothing where there is none.
std::optional<Shape> module_shape(const PackedCheckpoint& packed, const std::string& module) {
  const std::string weight = module + ".weight";
  const auto found = packed.packed().modules.find(weight);
  if (found != packed.packed().modules.end()) return Shape{found->second.rows, found->second.cols};
  const ModelEnds ends = model_ends(packed);
  if (weight == ends.table) return std::nullopt;
  const TensorView* dense = packed.reader().find(weight);
  if (weight == ends.head && ends.tied) dense = packed.reader().find(ends.table);
  if (dense == nullptr || dense->shape().size() != 2) return std::nullopt;
  return dense->shape();
}

}  // namespace

ModelEnds model_ends(const PackedCheckpoint& packed) {
  ModelEnds ends;
  ends.tied = packed.config().boolean_or("tie_word_embeddings", false);
  if (const ModelFamily* family = find_model_family(packed.config())) {
    const TensorNames names = names_in(packed.reader(), family->names);
    const ModelSpec spec = family->spec(packed.config());
    ends.table = names.module(Role::kEmbedding) + ".weight";
    ends.head = names.module(Role::kHead) + ".weight";
    ends.tied = spec.tied_embeddings;
    if (spec.head_bias && names.module(Role::kHeadBias) != names.module(Role::kHead)) {
      ends.bias = names.module(Role::kHeadBias) + ".bias";
      ends.untied_bias = names.module(Role::kHead) + ".bias";
    }
  }
  ends.tied =
      ends.tied && packed.reader().find(ends.head) == nullptr && !packed.packed().modules.contains(ends.head);
  return ends;
}

std::unique_ptr<PeftAdapterReader> open_packed_adapter(const PackedCheckpoint& packed,
                                                       const std::filesystem::path& path) {
  auto adapter = std::make_unique<PeftAdapterReader>(path);
  adapter->check_base(packed.packed().model_hash);
  if (const ModelFamily* family = find_model_family(packed.config())) {
    adapter->fuse(fused_modules(packed.config()));
    const TensorNames names = names_in(packed.reader(), family->names);
    adapter->rename([&names](const std::string& name) { return names.own(name); });
  }
  for (const TensorView& view : adapter->replaced()) check_replaced(packed, view, path.string());
  const ModelEnds ends = model_ends(packed);
  adapter->check_saved(whole_tensors(packed), ends.tied ? ends.table : "", ends.tied ? ends.head : "");
  for (const LoraPair& pair : adapter->pairs()) {
    const auto shape = module_shape(packed, pair.module);
    LQ_CHECK(shape, kMismatch, "{}: the adapter changes module '{}', which is no linear module of the model",
             path.string(), pair.module);
    LQ_CHECK(*shape == Shape({pair.out, pair.in}), kMismatch,
             "{}: module '{}' of the adapter is {} x {}, but the matrix is {} x {}", path.string(),
             pair.module, pair.out, pair.in, (*shape)[0], (*shape)[1]);
  }
  if (const LoraPair* pair = adapter->embedding()) {
    const TensorView* const table = packed.reader().find(ends.table);
    LQ_CHECK(pair->module == module_of(ends.table) && table != nullptr, kMismatch,
             "{}: the adapter changes module '{}', which is no embedding of the model", path.string(),
             pair->module);
    LQ_CHECK(table->shape() == Shape({pair->in, pair->out}), kMismatch,
             "{}: module '{}' of the adapter is {} x {}, but the table is {}", path.string(), pair->module,
             pair->in, pair->out, shape_text(table->shape()));
  }
  return adapter;
}

PeftNaming::PeftNaming(const PackedCheckpoint& packed, const PeftConfig& adapter) {
  const ModelFamily* const family = find_model_family(packed.config());
  if (family == nullptr) return;
  const ModelSpec spec = family->spec(packed.config());
  names = names_in(packed.reader(), family->names);
  encoder = spec.encoder();
  with_head = spec.has_head || spec.labels || adapter.task_type == "SEQ_CLS";
}

std::vector<std::string> PeftNaming::operator()(std::vector<std::string> all) const {
  for (std::string& name : all) name = (*this)(name);
  return all;
}

std::vector<std::string> saved_as_one(const PeftConfig& adapter, const std::vector<TensorSpec>& replaced) {
  std::vector<std::string> all;
  for (const std::string& module : adapter.modules_to_save) {
    const auto within = [&module](const TensorSpec& t) {
      const std::size_t dot = t.name.rfind('.');
      return t.name.starts_with(module + ".") && dot > module.size();
    };
    const bool known = std::ranges::find(all, module) != all.end();  // PEFT lists "classifier" twice
    if (!known && std::ranges::any_of(replaced, within)) all.push_back(module);
  }
  return all;
}

PeftConfig peft_config(const PeftNaming& naming, PeftConfig adapter) {
  if (naming.encoder && adapter.task_type == PeftConfig().task_type) adapter.task_type.clear();
  return adapter;
}

std::vector<std::string> whole_tensors(const PackedCheckpoint& packed) {
  std::vector<std::string> all;
  for (const TensorView* view : packed.dense_tensors()) all.push_back(view->name());
  for (const auto& [name, module] : packed.packed().modules) all.push_back(name);
  if (const ModelEnds ends = model_ends(packed); ends.tied) all.push_back(ends.head);
  return all;
}

std::vector<std::string> linear_modules(const PackedCheckpoint& packed) {
  std::vector<std::string> all;
  for (const auto& [name, module] : packed.packed().modules) all.emplace_back(module_of(name));
  for (const TensorView* view : packed.dense_tensors()) {
    if (view->shape().size() != 2 || !view->name().ends_with(".weight")) continue;
    if (view->name().find("embed") == std::string::npos) all.emplace_back(module_of(view->name()));
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace lq
