#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_file.h"
#include "formats/peft_adapter.h"
#include "formats/peft_names.h"

namespace lq {
namespace {

using namespace peft_names;

std::string tensor_name(std::string_view module, std::string_view suffix) {
  return fmt::format("{}{}{}", kPrefix, module, suffix);
}

// The value that most specs have; the smallest of those that tie.
template <typename Value, typename Get>
Value most_common(const std::vector<LoraSpec>& specs, const Get& get) {
  std::map<Value, int> counts;
  for (const LoraSpec& spec : specs) ++counts[get(spec)];
  Value best{};
  int most = 0;
  for (const auto& [value, count] : counts) {
    if (count > most) {
      best = value;
      most = count;
    }
  }
  return best;
}

// Patterns that give each module its value where it is not `common`. PEFT takes the first key that is the
// module's name or ends it after a dot: longer names come first, and a module that another's key would catch
// has its own.
template <typename Value, typename Get>
std::vector<std::pair<std::string, Value>> patterns_for(const std::vector<LoraSpec>& specs, Value common,
                                                        const Get& get) {
  std::set<std::string_view> keys;
  for (const LoraSpec& spec : specs) {
    if (get(spec) != common) keys.insert(spec.module);
  }
  std::vector<std::pair<std::string, Value>> patterns;
  for (const LoraSpec& spec : specs) {
    bool needed = keys.contains(spec.module);
    for (std::size_t dot = spec.module.find('.'); !needed && dot != std::string::npos;
         dot = spec.module.find('.', dot + 1)) {
      needed = keys.contains(std::string_view(spec.module).substr(dot + 1));
    }
    if (needed) patterns.emplace_back(spec.module, get(spec));
  }
  std::stable_sort(patterns.begin(), patterns.end(),
                   [](const auto& x, const auto& y) { return x.first.size() > y.first.size(); });
  return patterns;
}

// Whether one of `modules` is the module or holds it, by its whole name.
bool within_any(const std::vector<std::string>& modules, const std::string& module) {
  return std::ranges::any_of(
      modules, [&](const std::string& outer) { return module == outer || module.starts_with(outer + "."); });
}

PeftConfig config_for(PeftConfig config, const std::vector<LoraSpec>& specs,
                      const PeftWriterOptions& options) {
  std::vector<std::string> modules;
  std::set<std::string_view> seen;
  for (const LoraSpec& spec : specs) {
    LQ_CHECK(!spec.module.empty() && seen.insert(spec.module).second, kInvalidArgument,
             "[peft] {}: the module occurs twice, or has no name", printable(spec.module));
    LQ_CHECK(spec.rank >= 1 && spec.in >= 1 && spec.out >= 1, kInvalidArgument,
             "[peft] {}: rank {} of a {} x {} matrix", printable(spec.module), spec.rank, spec.out, spec.in);
    modules.push_back(spec.module);
  }
  const auto rank = [](const LoraSpec& spec) { return spec.rank; };
  const auto alpha = [](const LoraSpec& spec) { return spec.alpha; };
  if (!specs.empty()) {
    config.r = most_common<std::int64_t>(specs, rank);
    config.alpha = most_common<double>(specs, alpha);
  }
  config.rank_pattern = patterns_for<std::int64_t>(specs, config.r, rank);
  config.alpha_pattern = patterns_for<double>(specs, config.alpha, alpha);
  config.target_regex.clear();
  config.target_modules = minimal_targets(modules, options.all_modules);
  for (const char* narrower : {"exclude_modules", "layers_to_transform", "layers_pattern"}) {
    config.other.erase(narrower);
  }
  std::vector<std::string> saved;
  std::vector<std::string> all;
  for (const std::string& name : options.all_tensors) all.push_back(name.substr(0, name.rfind('.')));
  bool own_biases = true;  // of modules that have a low-rank part
  bool biases = false;
  // A bias whose weight is saved too goes with its module.
  const auto saved_whole = [&](const std::string& module) {
    return !seen.contains(module) &&
           std::any_of(options.replaced.begin(), options.replaced.end(), [&](const TensorSpec& other) {
             return !other.name.ends_with(kBias) && other.name.substr(0, other.name.rfind('.')) == module;
           });
  };
  for (const TensorSpec& spec : options.replaced) {
    const std::string module = spec.name.substr(0, spec.name.rfind('.'));
    if (spec.name.ends_with(kBias) && saved_whole(module)) continue;
    if (spec.name.ends_with(kBias)) {
      biases = true;
      own_biases = own_biases && seen.contains(module);
    } else if (!seen.contains(module)) {
      saved.push_back(module);
    }
  }
  std::erase_if(saved, [&](const std::string& module) { return within_any(options.saved_modules, module); });
  config.modules_to_save = options.saved_modules;
  for (std::string& module : minimal_saved(saved, all)) config.modules_to_save.push_back(std::move(module));
  config.bias = !biases ? "none" : own_biases ? "lora_only" : "all";
  config.use_dora =
      std::any_of(specs.begin(), specs.end(), [](const LoraSpec& spec) { return spec.magnitude; });
  return config;
}

// As PEFT names a whole tensor: a module with a low-rank part has become that part's base layer.
std::string replaced_name(std::string_view name, const std::set<std::string, std::less<>>& adapted) {
  const std::size_t dot = name.rfind('.');
  const std::string_view module = name.substr(0, dot);
  const bool wrapped = adapted.contains(module);
  return fmt::format("{}{}{}{}", kPrefix, module, wrapped ? kBaseLayer : "", name.substr(dot));
}

std::set<std::string, std::less<>> modules_of(const std::vector<LoraSpec>& specs) {
  std::set<std::string, std::less<>> all;
  for (const LoraSpec& spec : specs) all.insert(spec.module);
  return all;
}

std::string embedding_of(const std::vector<LoraSpec>& specs) {
  const auto at = std::find_if(specs.begin(), specs.end(), [](const LoraSpec& s) { return s.embedding; });
  return at == specs.end() ? std::string() : at->module;
}

std::vector<TensorSpec> tensors_for(const std::vector<LoraSpec>& specs, const PeftWriterOptions& options) {
  const DType dtype = options.dtype;
  std::vector<TensorSpec> tensors;
  const auto adapted = modules_of(specs);
  for (const TensorSpec& spec : options.replaced) {
    tensors.push_back({replaced_name(spec.name, adapted), DType::kF32, spec.shape});
  }
  for (const LoraSpec& spec : specs) {
    const bool e = spec.embedding;
    tensors.push_back({tensor_name(spec.module, e ? kEmbeddingA : kA), dtype, {spec.rank, spec.in}});
    tensors.push_back({tensor_name(spec.module, e ? kEmbeddingB : kB), dtype, {spec.out, spec.rank}});
    if (spec.magnitude) tensors.push_back({tensor_name(spec.module, kMagnitude), dtype, {spec.out}});
  }
  return tensors;
}

Metadata metadata_for(const PeftWriterOptions& options) {
  Metadata metadata = options.metadata;
  metadata.emplace("format", "pt");
  if (!options.base_hash.empty()) metadata[std::string(kBaseHashKey)] = options.base_hash;
  return metadata;
}

}  // namespace

PeftAdapterWriter::PeftAdapterWriter(std::filesystem::path directory, PeftConfig config,
                                     const std::vector<LoraSpec>& specs, const PeftWriterOptions& options)
    : directory_(std::move(directory)),
      config_(config_for(std::move(config), specs, options)),
      embedding_(embedding_of(specs)),
      adapted_(modules_of(specs)),
      writer_(directory_ / "adapter_model.safetensors", tensors_for(specs, options), metadata_for(options)) {}

void PeftAdapterWriter::write(std::string_view module, const float* a, const float* b) {
  const bool embedding = !embedding_.empty() && module == embedding_;
  writer_.write_f32(tensor_name(module, embedding ? kEmbeddingA : kA), a);
  writer_.write_f32(tensor_name(module, embedding ? kEmbeddingB : kB), b);
}

void PeftAdapterWriter::write_magnitude(std::string_view module, const float* values) {
  writer_.write_f32(tensor_name(module, kMagnitude), values);
}

void PeftAdapterWriter::write_replaced(std::string_view name, const float* values) {
  writer_.write_f32(replaced_name(name, adapted_), values);
}

void PeftAdapterWriter::finish() {
  writer_.finish();
  write_json(directory_ / "adapter_config.json", config_.to_json());
}

}  // namespace lq
