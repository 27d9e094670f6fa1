#include "jobs/inspect.h"

#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "files/json_file.h"
#include "files/json_object.h"
#include "formats/checkpoint.h"
#include "formats/gguf/gguf_checkpoint.h"
#include "formats/gguf/gguf_metadata.h"
#include "formats/module_name.h"
#include "formats/peft_adapter.h"

namespace lq {
namespace {

InspectedTensor dense_row(const TensorView& view) {
  return {view.name(), shape_text(view.shape()), std::string(view.stored_type()), view.bits_per_element(),
          static_cast<std::int64_t>(view.bytes)};
}

void add_weights(Inspection& result, const CheckpointReader& reader, ThreadPool& pool, bool hash) {
  std::int64_t count = 0;
  for (const TensorView& view : reader.tensors()) {
    result.tensors.push_back(dense_row(view));
    count += view.numel();
  }
  result.facts.emplace_back("files", std::to_string(reader.file_count()));
  result.facts.emplace_back("tensors", std::to_string(reader.tensors().size()));
  result.facts.emplace_back("weights", std::to_string(count));
  result.facts.emplace_back("size", human_bytes(static_cast<double>(reader.total_bytes())));
  if (hash) result.facts.emplace_back("hash", reader.model_hash(pool));
}

void add_config(Inspection& result, const JsonObject& config) {
  result.facts.emplace_back("architecture", config.texts("architectures").empty()
                                                ? config.text_or("model_type", "unknown")
                                                : config.texts("architectures").front());
}

// "8", or "0 to 16 (0: 12 matrices, 4: 10, 16: 20)".
std::string rank_text(const std::map<std::int64_t, int>& count_of) {
  if (count_of.size() == 1) return std::to_string(count_of.begin()->first);
  std::string counts;
  for (const auto& [rank, count] : count_of) {
    counts += fmt::format("{}{}: {}{}", counts.empty() ? "" : ", ", rank, count,
                          counts.empty() ? (count == 1 ? " matrix" : " matrices") : "");
  }
  return fmt::format("{} to {} ({})", count_of.begin()->first, count_of.rbegin()->first, counts);
}

// The low-rank part of a packed model: ranks, and bits per weight with it. `packed_bytes` and `weights`: of
// all packed matrices, which are the last of result.tensors.
void add_low_rank(Inspection& result, const PeftAdapterReader& adapter, std::size_t matrices,
                  std::int64_t packed_bytes, std::int64_t weights) {
  std::map<std::int64_t, int> count_of;
  std::int64_t bytes = 0;
  for (std::size_t i = result.tensors.size() - matrices; i < result.tensors.size(); ++i) {
    InspectedTensor& t = result.tensors[i];
    const LoraPair* pair = adapter.find(module_of(t.name));
    t.rank = pair == nullptr ? 0 : pair->rank;
    const auto own =
        pair == nullptr ? std::int64_t{0} : static_cast<std::int64_t>(pair->a.bytes + pair->b.bytes);
    t.bits_with_low_rank =
        t.bits_per_weight *
        (1.0 + static_cast<double>(own) / static_cast<double>(std::max<std::int64_t>(1, t.bytes)));
    ++count_of[*t.rank];
    bytes += own;
  }
  result.facts.emplace_back(
      "with low rank", fmt::format("{:.4f}", 8.0 * static_cast<double>(packed_bytes + bytes) /
                                                 static_cast<double>(std::max<std::int64_t>(1, weights))));
  result.facts.emplace_back(
      "adapter", fmt::format("{} matrices, rank {}, made for {}", adapter.pairs().size(), rank_text(count_of),
                             adapter.base_hash().value_or("an unnamed base")));
}

Inspection inspect_packed(const Checkpoint& model, ThreadPool& pool, bool hash) {
  const PackedCheckpoint& packed = model.packed();
  Inspection result{.kind = "packed model", .facts = {}, .tensors = {}};
  add_config(result, packed.config());
  std::int64_t weights = 0;
  std::int64_t bytes = 0;
  for (const TensorView* view : packed.dense_tensors()) result.tensors.push_back(dense_row(*view));
  for (const auto& [name, module] : packed.packed().modules) {
    const PackedMatrix q = packed.matrix(name);  // refuses damaged parts
    weights += q.rows() * q.cols();
    bytes += q.storage_bytes();
    result.tensors.push_back({name, shape_text({q.rows(), q.cols()}), module.choice.name(),
                              q.bits_per_weight(), q.storage_bytes()});
  }
  result.facts.emplace_back("packed matrices", std::to_string(packed.packed().modules.size()));
  result.facts.emplace_back("packed weights", std::to_string(weights));
  result.facts.emplace_back(
      "bits per weight", fmt::format("{:.4f}", 8.0 * static_cast<double>(bytes) /
                                                   static_cast<double>(std::max<std::int64_t>(1, weights))));
  result.facts.emplace_back("size", human_bytes(static_cast<double>(packed.reader().total_bytes())));
  result.facts.emplace_back("hash", packed.packed().model_hash);
  result.facts.emplace_back("source hash", packed.packed().source_hash);
  if (hash) {
    const std::string& actual = model.hash(pool);
    result.facts.emplace_back("content", actual == packed.packed().model_hash
                                             ? "agrees with its hash"
                                             : "DIFFERS from its hash: " + actual);
  }
  const std::filesystem::path adapter = model.directory() / "adapter";
  if (std::filesystem::exists(adapter / "adapter_config.json")) {
    add_low_rank(result, PeftAdapterReader(adapter), packed.packed().modules.size(), bytes, weights);
  }
  return result;
}

Inspection inspect_adapter(const std::filesystem::path& path) {
  const PeftAdapterReader adapter(path);
  Inspection result{.kind = "PEFT LoRA adapter", .facts = {}, .tensors = {}};
  std::map<std::int64_t, int> count_of;
  std::int64_t weights = 0;
  const auto add = [&](const LoraPair& pair) {
    for (const TensorView* view : {&pair.a, &pair.b, pair.magnitude ? &*pair.magnitude : nullptr}) {
      if (view == nullptr) continue;
      result.tensors.push_back(dense_row(*view));
      weights += view->numel();
    }
    ++count_of[pair.rank];
  };
  for (const LoraPair& pair : adapter.pairs()) add(pair);
  if (const LoraPair* pair = adapter.embedding()) add(*pair);
  for (const TensorView& view : adapter.replaced()) {
    result.tensors.push_back(dense_row(view));
    weights += view.numel();
  }
  result.facts = {
      {"matrices", std::to_string(adapter.pairs().size())},
      {"rank", count_of.empty() ? std::to_string(adapter.config().r) : rank_text(count_of)},
      {"alpha", fmt::format("{:g}", adapter.config().alpha)},
      {"weights", std::to_string(weights)},
      {"base model", adapter.config().base_model.empty() ? "not named" : adapter.config().base_model},
      {"base hash", adapter.base_hash().value_or("not named")}};
  return result;
}

// Of any model or adapter in GGUF, whether this program computes it or not.
Inspection inspect_gguf(const std::filesystem::path& path, ThreadPool& pool, bool hash) {
  const auto file = std::make_shared<const GgufFile>(path);
  const GgufMetadata keys(file->values(), file->who());
  Inspection result{.kind = "GGUF file", .facts = {}, .tensors = {}};
  OpenedTensors opened{.path = path, .stored = gguf_stored_views(*file), .tensors = {}, .owner = file};
  std::int64_t weights = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, int> types;
  for (const TensorView& view : opened.stored) {
    result.tensors.push_back(dense_row(view));
    weights += view.numel();
    bytes += view.bytes;
    ++types[std::string(view.stored_type())];
  }
  std::string counts;
  for (const auto& [type, count] : types) {
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, type);
  }
  result.facts = {
      {"architecture", keys.text_or("general.architecture", "not named")},
      {"version", std::to_string(file->version())},
      {"files", std::to_string(file->files())},
      {"tensors", std::to_string(opened.stored.size())},
      {"types", counts},
      {"weights", std::to_string(weights)},
      {"bits per weight", fmt::format("{:.4f}", 8.0 * static_cast<double>(bytes) /
                                                    static_cast<double>(std::max<std::int64_t>(1, weights)))},
      {"size", human_bytes(static_cast<double>(file->file_bytes()))},
      {"keys", std::to_string(file->values().size())}};
  if (hash) result.facts.emplace_back("hash", CheckpointReader(std::move(opened)).model_hash(pool));
  constexpr std::size_t kShown = 60;  // bytes of a text
  for (const GgufValue& value : file->values()) {
    result.facts.emplace_back(value.key, GgufMetadata::shown(value, kShown));
  }
  return result;
}

Inspection inspect_json(const std::filesystem::path& path) {
  const nlohmann::json json = read_json(path, std::uint64_t{1} << 32);
  if (json.is_object() && json.contains("errors") && json.contains("configs")) {
    const std::string model = JsonObject::record(json, path.string()).text_or("model", "");
    return {.kind = "sweep table",
            .facts = {{"matrices", std::to_string(json.value("matrices", nlohmann::json::array()).size())},
                      {"configurations", std::to_string(json["configs"].size())},
                      {"rank", json.contains("rank") ? json["rank"].dump() : "not named"},
                      {"model", model.empty() ? "not named" : model}},
            .tensors = {}};
  }
  if (json.is_object() && json.contains("choices")) {
    return {.kind = "allocation",
            .facts = {{"matrices", std::to_string(json["choices"].size())},
                      {"bits per weight",
                       json.contains("bits_per_weight") ? json["bits_per_weight"].dump() : "not given"}},
            .tensors = {}};
  }
  fail(ErrorCode::kUnsupported, "{}: a JSON file that is neither a sweep table nor an allocation",
       path.string());
}

Inspection inspect_file(ThreadPool& pool, const std::filesystem::path& path, bool hash) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  LQ_CHECK(!file.bad(), kIo, "{}: cannot be read", path.string());
  if (std::string_view(magic.data(), 4) == "GGUF") return inspect_gguf(path, pool, hash);
  const std::string name = path.filename().string();
  if (name.ends_with(".json") || name.ends_with(".json.gz")) return inspect_json(path);
  LQ_CHECK(name.ends_with(".safetensors"), kUnsupported,
           "{}: not a file this program knows (expected .safetensors, .gguf, or the JSON of a sweep table or "
           "allocation)",
           path.string());
  const CheckpointReader reader(path);
  Inspection result{.kind = "safetensors file", .facts = {}, .tensors = {}};
  add_weights(result, reader, pool, hash);
  return result;
}

}  // namespace

nlohmann::ordered_json Inspection::to_json() const {
  nlohmann::ordered_json json = {{"kind", kind}};
  for (const auto& [key, value] : facts) {
    std::string name = key;
    for (char& c : name) c = c == ' ' ? '_' : c;
    json[name] = value;
  }
  json["tensors_list"] = nlohmann::ordered_json::array();
  for (const InspectedTensor& t : tensors) {
    json["tensors_list"].push_back({{"name", t.name},
                                    {"shape", t.shape},
                                    {"type", t.type},
                                    {"bits_per_weight", t.bits_per_weight},
                                    {"bytes", t.bytes}});
    if (!t.rank.has_value()) continue;
    json["tensors_list"].back()["rank"] = *t.rank;
    json["tensors_list"].back()["bits_per_weight_with_low_rank"] = t.bits_with_low_rank;
  }
  return json;
}

Inspection inspect_path(ThreadPool& pool, const std::filesystem::path& path, bool hash) {
  LQ_CHECK(std::filesystem::exists(path), kNotFound, "{}: no such file or directory", path.string());
  if (!std::filesystem::is_directory(path)) return inspect_file(pool, path, hash);
  if (std::filesystem::exists(path / "adapter_config.json")) return inspect_adapter(path);
  if (std::filesystem::exists(path / ".work") && !std::filesystem::exists(path / "config.json")) {
    Inspection result{.kind = "unfinished output of lqlora", .facts = {}, .tensors = {}};
    result.facts.emplace_back("to finish it", "run the same command again");
    return result;
  }
  LQ_CHECK(std::filesystem::exists(path / "config.json"), kUnsupported,
           "{}: a folder with neither config.json (a model) nor adapter_config.json (an adapter)",
           path.string());
  const CheckpointPtr model = Checkpoint::open(path);
  if (model->is_packed()) return inspect_packed(*model, pool, hash);
  Inspection result{.kind = "dense model", .facts = {}, .tensors = {}};
  add_config(result, model->config());
  add_weights(result, model->reader(), pool, hash);
  return result;
}

}  // namespace lq
