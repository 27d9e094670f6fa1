#include "jobs/select_matrices.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/block_name.h"
#include "base/error.h"
#include "base/glob.h"
#include "base/option_error.h"
#include "models/registry.h"
#include "models/tied_embeddings.h"

namespace lq {
namespace {

bool matches_any(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return glob_match(p, name); });
}

void require_matches(const std::vector<std::string>& patterns, const CheckpointReader& reader,
                     std::string_view option) {
  for (const std::string& pattern : patterns) {
    const bool found = std::any_of(reader.tensors().begin(), reader.tensors().end(),
                                   [&](const TensorView& t) { return glob_match(pattern, t.name()); });
    check_option(found, option,
                 "'{}' matches no tensor of {} (patterns are globs over full names, such as '*q_proj*')",
                 pattern, reader.path().string());
  }
}

bool is_meant(const MatrixSelection& selection, const TensorView& tensor) {
  if (!selection.include.empty()) return matches_any(selection.include, tensor.name());
  return selection.linears.empty() ? is_block_linear(tensor) : selection.linears.contains(tensor.name());
}

}  // namespace

MatrixSelection of_model(MatrixSelection selection, const Checkpoint& model) {
  const ModelFamily* const family = find_model_family(model.config());
  if (family == nullptr) return selection;
  const TensorNames names = names_in(model.reader(), family->names);
  for (const ModelTensor& t : model_tensors(model_spec(model.config()), names)) {
    if (t.layer >= 0 && !t.bias && is_linear(t.role)) selection.linears.insert(t.name);
  }
  return selection;
}

std::vector<std::string> strange_matrices(const CheckpointReader& reader, const MatrixSelection& selection) {
  std::vector<std::string> strange;
  if (!selection.include.empty() || selection.linears.empty()) return strange;
  for (const TensorView& tensor : reader.tensors()) {
    if (is_block_linear(tensor) && !is_meant(selection, tensor)) strange.push_back(tensor.name());
  }
  return strange;
}

bool is_block_linear(const TensorView& tensor) {
  static constexpr std::array<std::string_view, 4> kBlockNames = {"layers", "layer", "h", "blocks"};
  const std::string_view name = tensor.name();
  if (tensor.shape().size() != 2 || !name.ends_with(".weight")) return false;
  // Small, and what each token's experts hang on.
  for (const std::string_view router :
       {".mlp.gate.weight", ".block_sparse_moe.gate.weight", ".mlp.router.weight"}) {
    if (name.ends_with(router)) return false;
  }
  // Also a number further on: "0.encoder.layer.3.output.dense.weight".
  for (auto at = parse_block_name(name); at; at = parse_block_name(at->rest)) {
    const std::string_view before = at->prefix.substr(at->prefix.rfind('.') + 1);
    if (std::find(kBlockNames.begin(), kBlockNames.end(), before) != kBlockNames.end()) return true;
  }
  return false;
}

std::vector<const TensorView*> select_matrices(const CheckpointReader& reader,
                                               const MatrixSelection& selection) {
  require_matches(selection.include, reader, "include");
  require_matches(selection.exclude, reader, "exclude");
  std::vector<const TensorView*> selected;
  for (const TensorView& tensor : reader.tensors()) {
    if (!is_meant(selection, tensor) || matches_any(selection.exclude, tensor.name())) continue;
    LQ_CHECK(tensor.shape().size() == 2 && tensor.numel() > 0, kUnsupported,
             "{}: tensor '{}' of shape {} cannot be quantized: it is no matrix (leave it out by `exclude`)",
             reader.path().string(), tensor.name(), shape_text(tensor.shape()));
    LQ_CHECK(is_stored_weight_dtype(tensor.dtype()), kUnsupported,
             "{}: tensor '{}' is {}, but a matrix to quantize must be F32, BF16, F16 or F64",
             reader.path().string(), tensor.name(), dtype_name(tensor.dtype()));
    selected.push_back(&tensor);
  }
  LQ_CHECK(!selected.empty(), kInvalidArgument,
           "{}: nothing to quantize (no matrix in a numbered block, or `include` and `exclude` leave none)",
           reader.path().string());
  return selected;
}

}  // namespace lq
