#include "jobs/select_matrices.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "allocate/constraints.h"
#include "base/error.h"
#include "base/option_error.h"

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

}  // namespace

bool is_block_linear(const TensorView& tensor) {
  static constexpr std::array<std::string_view, 4> kBlockNames = {"layers", "layer", "h", "blocks"};
  const std::string_view name = tensor.name();
  if (tensor.shape().size() != 2 || !name.ends_with(".weight")) return false;
  // Small, and what each token's experts hang on.
  for (const std::string_view router :
       {".mlp.gate.weight", ".block_sparse_moe.gate.weight", ".mlp.router.weight"}) {
    if (name.ends_with(router)) return false;
  }
  std::string_view previous;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    const bool number = !part.empty() && std::all_of(part.begin(), part.end(),
                                                     [](unsigned char c) { return std::isdigit(c) != 0; });
    if (number && std::find(kBlockNames.begin(), kBlockNames.end(), previous) != kBlockNames.end())
      return true;
    previous = part;
    begin = end + 1;
  }
  return false;
}

std::vector<const TensorView*> select_matrices(const CheckpointReader& reader,
                                               const MatrixSelection& selection) {
  require_matches(selection.include, reader, "include");
  require_matches(selection.exclude, reader, "exclude");
  std::vector<const TensorView*> selected;
  for (const TensorView& tensor : reader.tensors()) {
    const bool included =
        selection.include.empty() ? is_block_linear(tensor) : matches_any(selection.include, tensor.name());
    if (!included || matches_any(selection.exclude, tensor.name())) continue;
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
