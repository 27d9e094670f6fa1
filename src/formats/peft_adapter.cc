#include "formats/peft_adapter.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_file.h"
#include "formats/saved_names.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kA = ".lora_A.weight";
constexpr std::string_view kB = ".lora_B.weight";

fs::path weights_in(const fs::path& directory) {
  std::error_code ignored;
  const fs::path file = directory / "adapter_model.safetensors";
  LQ_CHECK(fs::exists(file, ignored) || !fs::exists(directory / "adapter_model.bin", ignored), kUnsupported,
           "[peft] {}: adapter_model.bin is pickled: convert it to safetensors first", directory.string());
  return file;
}

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
  // PEFT takes the modules whose names end with one of these.
  std::set<std::string> saved;
  for (const TensorSpec& spec : options.replaced) {
    const std::string module = spec.name.substr(0, spec.name.rfind('.'));
    saved.insert(module.substr(module.rfind('.') + 1));
  }
  config.modules_to_save.assign(saved.begin(), saved.end());
  return config;
}

std::vector<TensorSpec> tensors_for(const std::vector<LoraSpec>& specs, const PeftWriterOptions& options) {
  const DType dtype = options.dtype;
  std::vector<TensorSpec> tensors;
  for (const TensorSpec& spec : options.replaced) {
    tensors.push_back({fmt::format("{}{}", kPrefix, spec.name), DType::kF32, spec.shape});
  }
  for (const LoraSpec& spec : specs) {
    tensors.push_back({tensor_name(spec.module, kA), dtype, {spec.rank, spec.in}});
    tensors.push_back({tensor_name(spec.module, kB), dtype, {spec.out, spec.rank}});
  }
  return tensors;
}

Metadata metadata_for(const PeftWriterOptions& options) {
  Metadata metadata = options.metadata;
  metadata.emplace("format", "pt");
  if (!options.base_hash.empty()) metadata[std::string(kBaseHashKey)] = options.base_hash;
  return metadata;
}

// As PEFT's save_pretrained writes them: without the adapter's own name and without wrappers.
std::vector<std::string> saved_names(const SafetensorsReader& file, const std::string& who) {
  constexpr std::pair<std::string_view, std::string_view> kStateDict[] = {
      {".lora_A.default.weight", ".lora_A.weight"},
      {".lora_B.default.weight", ".lora_B.weight"},
      {".modules_to_save.default.weight", ".weight"},
      {".modules_to_save.default.bias", ".bias"}};
  std::vector<std::string> names;
  for (const TensorView& view : file.tensors()) {
    std::string name = view.name();
    for (const auto& [from, to] : kStateDict) {
      if (name.ends_with(from)) name.replace(name.size() - from.size(), from.size(), to);
    }
    names.push_back(std::move(name));
  }
  return normalized_names(names, who);
}

}  // namespace

PeftAdapterReader::PeftAdapterReader(const fs::path& directory)
    : directory_(directory),
      config_(PeftConfig::load(directory / "adapter_config.json")),
      file_(weights_in(directory)) {
  const std::string who = "[peft] " + file_.path().string();
  std::map<std::string, std::pair<const TensorView*, const TensorView*>, std::less<>> halves;
  const std::vector<std::string> names = saved_names(file_, who);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const TensorView& view = file_.tensors()[i];
    std::string_view name = names[i];
    LQ_CHECK(name.starts_with(kPrefix), kCorruptFile, "{}: {}: the name should start with '{}'", who,
             printable(name), kPrefix);
    name.remove_prefix(kPrefix.size());
    if (name.size() > kA.size() && name.ends_with(kA)) {
      halves[std::string(name.substr(0, name.size() - kA.size()))].first = &view;
    } else if (name.size() > kB.size() && name.ends_with(kB)) {
      halves[std::string(name.substr(0, name.size() - kB.size()))].second = &view;
    } else {
      LQ_CHECK(name.find("lora_") == std::string_view::npos, kUnsupported,
               "{}: {}: expected MODULE.lora_A.weight and MODULE.lora_B.weight", who, printable(name));
      replaced_.push_back(view);
      replaced_.back().spec.name = name;
    }
  }
  for (const auto& [module, half] : halves) {
    LQ_CHECK(half.first != nullptr && half.second != nullptr, kCorruptFile, "{}: {}: {} is missing", who,
             printable(module), half.first == nullptr ? "lora_A" : "lora_B");
    add_pair(module, *half.first, *half.second);
  }
}

void PeftAdapterReader::add_pair(const std::string& module, const TensorView& a, const TensorView& b) {
  const std::string who = fmt::format("[peft] {}: {}", file_.path().string(), printable(module));
  LQ_CHECK(is_stored_weight_dtype(a.dtype()) && is_stored_weight_dtype(b.dtype()), kUnsupported,
           "{}: dtypes {} and {} (expected F32, BF16, F16 or F64)", who, dtype_name(a.dtype()),
           dtype_name(b.dtype()));
  LQ_CHECK(a.shape().size() == 2 && b.shape().size() == 2, kUnsupported,
           "{}: shapes {} and {}, but two dimensions were expected", who, shape_text(a.shape()),
           shape_text(b.shape()));
  LoraPair pair{module, a, b, a.shape()[0], a.shape()[1], b.shape()[0], config_.alpha_of(module), 0};
  LQ_CHECK(pair.rank >= 1 && pair.in >= 1 && pair.out >= 1 && b.shape()[1] == pair.rank, kCorruptFile,
           "{}: lora_A {} and lora_B {} do not multiply", who, shape_text(a.shape()), shape_text(b.shape()));
  LQ_CHECK(pair.rank == config_.rank_of(module), kCorruptFile, "{}: rank {}, but adapter_config.json says {}",
           who, pair.rank, config_.rank_of(module));
  pair.scaling = config_.scaling_of(module);
  pairs_.push_back(std::move(pair));
}

const LoraPair* PeftAdapterReader::find(std::string_view module) const {
  const auto it = std::lower_bound(pairs_.begin(), pairs_.end(), module,
                                   [](const LoraPair& pair, std::string_view m) { return pair.module < m; });
  return it == pairs_.end() || it->module != module ? nullptr : &*it;
}

std::optional<std::string> PeftAdapterReader::base_hash() const {
  const auto it = file_.metadata().find(std::string(kBaseHashKey));
  if (it == file_.metadata().end()) return std::nullopt;
  return it->second;
}

void PeftAdapterReader::check_base(std::string_view model_hash) const {
  const auto hash = base_hash();
  LQ_CHECK(!hash || *hash == model_hash, kMismatch, "[peft] {}: made for the base {}, but this base is {}",
           directory_.string(), printable(*hash), model_hash);
}

PeftAdapterWriter::PeftAdapterWriter(fs::path directory, PeftConfig config,
                                     const std::vector<LoraSpec>& specs, const PeftWriterOptions& options)
    : directory_(std::move(directory)),
      config_(config_for(std::move(config), specs, options)),
      writer_(directory_ / "adapter_model.safetensors", tensors_for(specs, options), metadata_for(options)) {}

void PeftAdapterWriter::write(std::string_view module, const float* a, const float* b) {
  writer_.write_f32(tensor_name(module, kA), a);
  writer_.write_f32(tensor_name(module, kB), b);
}

void PeftAdapterWriter::write_replaced(std::string_view name, const float* values) {
  writer_.write_f32(fmt::format("{}{}", kPrefix, name), values);
}

void PeftAdapterWriter::finish() {
  writer_.finish();
  write_json(directory_ / "adapter_config.json", config_.to_json());
}

}  // namespace lq
