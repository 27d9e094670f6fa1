#include "formats/peft_adapter.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "base/printable.h"
#include "formats/peft_names.h"
#include "formats/saved_names.h"
#include "formats/stored_layout.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using namespace peft_names;

constexpr std::string_view kAlone = "model.";  // before names of a language model by itself

fs::path weights_in(const fs::path& directory) {
  std::error_code ignored;
  const fs::path file = directory / "adapter_model.safetensors";
  LQ_CHECK(fs::exists(file, ignored) || !fs::exists(directory / "adapter_model.bin", ignored), kUnsupported,
           "[peft] {}: adapter_model.bin is pickled: convert it to safetensors first", directory.string());
  return file;
}

// The name without the adapter's own, one component behind `part`: MODULE.lora_A.default.weight.
void remove_adapter_name(std::string& name, std::string_view part, std::string_view end) {
  if (!name.ends_with(end)) return;
  const std::size_t at = name.rfind(part);
  if (at == std::string::npos) return;
  const std::size_t begin = at + part.size();
  const std::size_t stop = name.size() - end.size();
  if (begin < stop && name[begin] == '.' && name.find('.', begin + 1) >= stop)
    name.erase(begin, stop - begin);
}

// The name without ".modules_to_save" and the adapter's own, which stands behind it but in a name that ends
// there.
void remove_saved_copy(std::string& name) {
  constexpr std::string_view kSaved = ".modules_to_save";
  const std::size_t at = name.rfind(kSaved);
  if (at == std::string::npos) return;
  const std::size_t behind = at + kSaved.size();
  const std::size_t next = name.find('.', behind + 1);
  name.erase(at, (next == std::string::npos ? behind : next) - at);
}

bool same_values(const TensorView& x, const TensorView& y) {
  return x.dtype() == y.dtype() && x.shape() == y.shape() && std::equal(x.data, x.data + x.bytes, y.data);
}

// The file's tensors under the names that PEFT's save_pretrained gives them: without the adapter's own name
// and without wrappers. With `bias` "all" PEFT writes the biases of a module that it saves whole once more
// under other names, and those of the module that it stands for.
std::vector<TensorView> saved_tensors(const SafetensorsReader& file, const std::string& who) {
  std::vector<TensorView> tensors;
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> at;  // of a name in both
  for (const TensorView& view : file.tensors()) {
    std::string name = view.name();
    if (name.find(".original_module.") != std::string::npos) continue;
    for (const std::string_view part : {".lora_A", ".lora_B"}) remove_adapter_name(name, part, ".weight");
    for (const std::string_view part : {kEmbeddingA, kEmbeddingB}) remove_adapter_name(name, part, "");
    remove_saved_copy(name);
    if (const std::size_t end = name.rfind(kMagnitude); end != std::string::npos) {
      name.erase(end + kMagnitude.size());
    }
    const auto [first, fresh] = at.emplace(name, tensors.size());
    if (!fresh && same_values(tensors[first->second], view)) continue;
    tensors.push_back(view);
    names.push_back(std::move(name));
  }
  names = normalized_names(names, who);
  for (std::size_t i = 0; i < names.size(); ++i) tensors[i].spec.name = std::move(names[i]);
  return tensors;
}

// What a file has of one module.
struct LoraParts {
  const TensorView *a = nullptr, *b = nullptr, *embedding_a = nullptr, *embedding_b = nullptr,
                   *magnitude = nullptr;
};

// The part's place and its module, by the end of a name; null for others.
const TensorView** place_of(std::map<std::string, LoraParts, std::less<>>& parts, std::string_view name) {
  constexpr std::pair<std::string_view, const TensorView * LoraParts::*> kEnds[] = {
      {kA, &LoraParts::a},
      {kB, &LoraParts::b},
      {kEmbeddingA, &LoraParts::embedding_a},
      {kEmbeddingB, &LoraParts::embedding_b},
      {kMagnitude, &LoraParts::magnitude}};
  for (const auto& [end, member] : kEnds) {
    if (name.size() > end.size() && name.ends_with(end)) {
      return &(parts[std::string(name.substr(0, name.size() - end.size()))].*member);
    }
  }
  return nullptr;
}

}  // namespace

PeftAdapterReader::PeftAdapterReader(const fs::path& directory)
    : directory_(directory),
      config_(PeftConfig::load(directory / "adapter_config.json")),
      file_(weights_in(directory)) {
  const std::string who = "[peft] " + file_.path().string();
  std::map<std::string, LoraParts, std::less<>> parts;
  const std::vector<TensorView> tensors = saved_tensors(file_, who);
  for (const TensorView& view : tensors) {
    LQ_CHECK(view.name().starts_with(kPrefix), kCorruptFile, "{}: {}: the name should start with '{}'", who,
             printable(view.name()), kPrefix);
    const std::string name = own_name(view.name().substr(kPrefix.size()));
    if (const TensorView** place = place_of(parts, name)) {
      *place = &view;
      continue;
    }
    LQ_CHECK(name.find("lora_") == std::string_view::npos, kUnsupported,
             "{}: {}: expected MODULE.lora_A.weight and MODULE.lora_B.weight", who, printable(name));
    std::string plain = name;
    const std::size_t base = plain.rfind(kBaseLayer);
    if (base != std::string::npos && plain.find('.', base + 1) == base + kBaseLayer.size()) {
      plain.erase(base, kBaseLayer.size());
      of_base_layers_.insert(plain);
    }
    replaced_.push_back(view);
    replaced_.back().spec.name = plain;
  }
  for (const auto& [module, part] : parts) {
    const bool linear = part.a != nullptr || part.b != nullptr;
    const TensorView* const down = linear ? part.a : part.embedding_a;
    const TensorView* const up = linear ? part.b : part.embedding_b;
    LQ_CHECK(down != nullptr && up != nullptr, kCorruptFile, "{}: {}: {} is missing", who, printable(module),
             down == nullptr ? "lora_A" : "lora_B");
    LQ_CHECK(config_.use_dora == (part.magnitude != nullptr), kCorruptFile,
             "{}: {}: 'use_dora' in adapter_config.json is {}, but the module has {} lora_magnitude_vector",
             who, printable(module), config_.use_dora, part.magnitude == nullptr ? "no" : "a");
    LoraPair pair = pair_of(module, *down, *up, part.magnitude);
    if (linear) {
      pairs_.push_back(std::move(pair));
      continue;
    }
    LQ_CHECK(!embedding_, kUnsupported, "{}: {} and {}: two embeddings with low-rank parts", who,
             printable(embedding_->module), printable(module));
    embedding_ = std::move(pair);
  }
  check_whole(who);
  check_targets(who);
}

std::string PeftAdapterReader::own_name(const std::string& name) {
  const std::string_view prefix = language_model_prefix(name);
  if (prefix.empty()) return name;
  within_ = prefix;
  return fmt::format("{}{}", kAlone, name.substr(prefix.size()));
}

std::string PeftAdapterReader::name_for_peft(std::string_view name) const {
  if (within_.empty() || !name.starts_with(kAlone)) return std::string(name);
  return fmt::format("{}{}", within_, name.substr(kAlone.size()));
}

// PEFT passes over tensors of modules that it puts no adapter beside.
void PeftAdapterReader::check_targets(const std::string& who) const {
  if (config_.target_modules.empty()) return;  // a pattern, over names that may begin otherwise there
  const auto check = [&](const LoraPair& pair) {
    LQ_CHECK(
        !config_.ensure_weight_tying || config_.targets(name_for_peft(pair.module)), kUnsupported,
        "{}: {}: ensure_weight_tying makes one low-rank part of two, of an embedding and of the head that "
        "is tied to it, which is not supported",
        who, printable(pair.module));
    LQ_CHECK(config_.targets(name_for_peft(pair.module)), kUnsupported,
             "{}: {}: the file holds a low-rank part, but by target_modules, exclude_modules and "
             "layers_to_transform of adapter_config.json PEFT puts none there",
             who, printable(pair.module));
  };
  for (const LoraPair& pair : pairs_) check(pair);
  if (embedding_) check(*embedding_);
}

// PEFT 0.21 looks for the tensors of a module with a low-rank part under its base layer, and passes over
// others in silence.
void PeftAdapterReader::check_whole(const std::string& who) const {
  for (const TensorView& view : replaced_) {
    const std::string module = view.name().substr(0, view.name().rfind('.'));
    const bool adapted = find(module) != nullptr || (embedding_ && embedding_->module == module);
    LQ_CHECK(adapted == of_base_layers_.contains(view.name()), kUnsupported,
             "{}: {}: the module has {}, so that PEFT does not read this tensor", who, printable(view.name()),
             adapted ? "a low-rank part, but the tensor is not under base_layer"
                     : "no low-rank part, but the tensor is under base_layer");
  }
}

void PeftAdapterReader::check_saved(std::span<const std::string> tensors, const std::string& table,
                                    const std::string& head) const {
  const bool one = !table.empty() && config_.ensure_weight_tying;
  const auto has = [&](const std::string& name) {
    return std::any_of(replaced_.begin(), replaced_.end(),
                       [&](const TensorView& view) { return view.name() == name; });
  };
  for (const std::string& name : tensors) {
    const std::string module = name.substr(0, name.rfind('.'));
    const bool by_other = one && ((name == table && has(head)) || (name == head && has(table)));
    LQ_CHECK(!config_.saves(name_for_peft(module)) || has(name) || by_other, kCorruptFile,
             "[peft] {}: modules_to_save names {}, but {} is not in the file", directory_.string(), module,
             name);
    LQ_CHECK(
        !one || (name != table && name != head) || (find(module) == nullptr && embedding_ == std::nullopt),
        kUnsupported,
        "[peft] {}: ensure_weight_tying with a low-rank part of {}, which is embedding and head in one, "
        "is not supported",
        directory_.string(), module);
  }
}

bool PeftAdapterReader::in_place(std::string_view name) const {
  return of_base_layers_.contains(name) || config_.ensure_weight_tying ||
         !config_.saves(name_for_peft(name.substr(0, name.rfind('.'))));
}

LoraPair PeftAdapterReader::pair_of(const std::string& module, const TensorView& a, const TensorView& b,
                                    const TensorView* magnitude) const {
  const std::string who = fmt::format("[peft] {}: {}", file_.path().string(), printable(module));
  LQ_CHECK(is_stored_weight_dtype(a.dtype()) && is_stored_weight_dtype(b.dtype()), kUnsupported,
           "{}: dtypes {} and {} (expected F32, BF16, F16 or F64)", who, dtype_name(a.dtype()),
           dtype_name(b.dtype()));
  LQ_CHECK(a.shape().size() == 2 && b.shape().size() == 2, kUnsupported,
           "{}: shapes {} and {}, but two dimensions were expected", who, shape_text(a.shape()),
           shape_text(b.shape()));
  const std::string name = name_for_peft(module);
  LoraPair pair{module, a, b, a.shape()[0], a.shape()[1], b.shape()[0], config_.alpha_of(name), 0};
  LQ_CHECK(pair.rank >= 1 && pair.in >= 1 && pair.out >= 1 && b.shape()[1] == pair.rank, kCorruptFile,
           "{}: lora_A {} and lora_B {} do not multiply", who, shape_text(a.shape()), shape_text(b.shape()));
  LQ_CHECK(pair.rank == config_.rank_of(name), kCorruptFile, "{}: rank {}, but adapter_config.json says {}",
           who, pair.rank, config_.rank_of(name));
  pair.scaling = config_.scaling_of(name);
  if (magnitude == nullptr) return pair;
  LQ_CHECK(is_stored_weight_dtype(magnitude->dtype()) && magnitude->numel() == pair.out, kCorruptFile,
           "{}: lora_magnitude_vector is {} {}, but {} numbers were expected", who,
           dtype_name(magnitude->dtype()), shape_text(magnitude->shape()), pair.out);
  pair.magnitude = *magnitude;
  pair.magnitude->spec.shape = {pair.out};
  return pair;
}

void PeftAdapterReader::rename(const std::function<std::string(const std::string&)>& name) {
  for (LoraPair& pair : pairs_) pair.module = name(pair.module);
  std::ranges::sort(pairs_, {}, &LoraPair::module);
  if (embedding_) embedding_->module = name(embedding_->module);
  std::vector<TensorView> replaced;
  for (TensorView& view : replaced_) {
    std::string named = name(view.name());
    const auto same = std::ranges::find(replaced, named, &TensorView::name);
    LQ_CHECK(same == replaced.end() || same_values(*same, view), kUnsupported,
             "[peft] {}: {} and another tensor are both {}, with different values", file_.path().string(),
             printable(view.name()), printable(named));
    view.spec.name = std::move(named);
    if (!view.name().empty() && same == replaced.end()) replaced.push_back(std::move(view));
  }
  replaced_ = std::move(replaced);
  std::set<std::string, std::less<>> of_base;
  for (const std::string& tensor : of_base_layers_) of_base.insert(name(tensor));
  of_base_layers_ = std::move(of_base);
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

}  // namespace lq
