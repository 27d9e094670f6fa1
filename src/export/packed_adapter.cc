#include "export/packed_adapter.h"

#include <algorithm>

#include "base/error.h"
#include "formats/module_name.h"

namespace lq {
namespace {

void check_replaced(const PackedCheckpoint& packed, const TensorView& view, const std::string& path) {
  const TensorView* dense = packed.reader().find(view.name());
  LQ_CHECK(!packed.packed().modules.contains(view.name()), kUnsupported,
           "{}: replaces {} whole (modules_to_save), but in the model that is a packed matrix", path,
           view.name());
  if (dense == nullptr && view.name() == "lm_head.weight" &&
      packed.config().boolean_or("tie_word_embeddings", false)) {
    dense = packed.reader().find("model.embed_tokens.weight");
  }
  LQ_CHECK(dense != nullptr, kMismatch, "{}: replaces {} (modules_to_save), which the model does not have",
           path, view.name());
  LQ_CHECK(dense->shape() == view.shape(), kMismatch, "{}: {} is {}, but the model has it as {}", path,
           view.name(), shape_text(view.shape()), shape_text(dense->shape()));
}

}  // namespace

std::unique_ptr<PeftAdapterReader> open_packed_adapter(const PackedCheckpoint& packed,
                                                       const std::filesystem::path& path) {
  auto adapter = std::make_unique<PeftAdapterReader>(path);
  adapter->check_base(packed.packed().model_hash);
  for (const TensorView& view : adapter->replaced()) check_replaced(packed, view, path.string());
  for (const LoraPair& pair : adapter->pairs()) {
    const auto found = packed.packed().modules.find(pair.module + ".weight");
    LQ_CHECK(found != packed.packed().modules.end(), kMismatch,
             "{}: the adapter changes module '{}', which is not a packed matrix of the model", path.string(),
             pair.module);
    LQ_CHECK(found->second.rows == pair.out && found->second.cols == pair.in, kMismatch,
             "{}: module '{}' of the adapter is {} x {}, but the matrix is {} x {}", path.string(),
             pair.module, pair.out, pair.in, found->second.rows, found->second.cols);
  }
  return adapter;
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
