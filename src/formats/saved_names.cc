#include "formats/saved_names.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/block_name.h"
#include "base/error.h"
#include "base/printable.h"

namespace lq {
namespace {

constexpr std::array<std::string_view, 3> kWrappers = {"_orig_mod.", "_fsdp_wrapped_module.",
                                                       "_checkpoint_wrapped_module."};
constexpr std::string_view kParallel = "module.";
constexpr std::string_view kBody = "model.";
constexpr std::array<std::string_view, 3> kInBody = {"layers.", "embed_tokens.", "norm."};

// Wrappers are whole components of the name.
std::string without_wrappers(std::string name) {
  for (const std::string_view wrapper : kWrappers) {
    std::size_t at = 0;
    while ((at = name.find(wrapper, at)) != std::string::npos) {
      if (at == 0 || name[at - 1] == '.') {
        name.erase(at, wrapper.size());
      } else {
        at += wrapper.size();
      }
    }
  }
  return name;
}

bool any_starts(const std::vector<std::string>& names, std::string_view with) {
  return std::ranges::any_of(names, [&](const std::string& name) { return name.starts_with(with); });
}

// Layer norms as the first checkpoints of BERT call their parts, in any model, as transformers reads them.
std::string with_norms_of_today(std::string name) {
  constexpr std::pair<std::string_view, std::string_view> kParts[] = {{"LayerNorm.gamma", "LayerNorm.weight"},
                                                                      {"LayerNorm.beta", "LayerNorm.bias"}};
  for (const auto& [old, today] : kParts) {
    if (name.ends_with(old)) return name.replace(name.size() - old.size(), old.size(), today);
  }
  return name;
}

}  // namespace

std::vector<std::string> normalized_names(const std::vector<std::string>& names, std::string_view who) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(with_norms_of_today(without_wrappers(name)));
  while (!out.empty() && std::ranges::all_of(out, [](const std::string& name) {
    return name.size() > kParallel.size() && name.starts_with(kParallel);
  })) {
    for (std::string& name : out) name.erase(0, kParallel.size());
  }
  if (!any_starts(out, kBody) && any_starts(out, "layers.0.") && any_starts(out, "embed_tokens.")) {
    for (std::string& name : out) {
      const bool inside =
          std::ranges::any_of(kInBody, [&](std::string_view part) { return name.starts_with(part); });
      if (inside) name.insert(0, kBody);
    }
  }
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto [first, fresh] = seen.emplace(out[i], i);
    LQ_CHECK(fresh, kCorruptFile, "{}: {} and {} are both {}", who, printable(names[first->second]),
             printable(names[i]), printable(out[i]));
  }
  return out;
}

std::optional<std::int64_t> block_of(std::string_view name) {
  const auto block = parse_block_name(name);
  if (!block || block->prefix != "model.layers" || block->block == name) return std::nullopt;
  return block->number;
}

}  // namespace lq
