#include "formats/gguf/gguf_pooling.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"
#include "files/json_object.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::uint64_t kModulesLimit = std::uint64_t{1} << 20;
constexpr std::int64_t kWidest = std::int64_t{1} << 24;
constexpr std::string_view kPoolingFolder = "1_Pooling";

// llama.cpp's numbers.
struct PoolingWay {
  std::uint32_t number;
  std::string_view key;   // of the layer's config.json, set to true
  std::string_view mode;  // the same in newer files: "pooling_mode"
};
constexpr std::array<PoolingWay, 3> kPoolingWays = {{{1, "pooling_mode_mean_tokens", "mean"},
                                                     {2, "pooling_mode_cls_token", "cls"},
                                                     {3, "pooling_mode_lasttoken", "lasttoken"}}};

OrderedJson parsed(const Folder& folder, const std::string& name) {
  OrderedJson json = OrderedJson::parse(folder.read(name, kModulesLimit), nullptr, false);
  LQ_CHECK(!json.is_discarded(), kCorruptFile, "{}: no JSON", folder.who(name));
  return json;
}

// "" where there is none, or no text.
std::string text_of(const OrderedJson& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : std::string();
}

// "1_Pooling/config.json"; empty where there is no such layer.
std::string pooling_file(const Folder& folder) {
  if (!folder.has("modules.json")) return {};
  const OrderedJson modules = parsed(folder, "modules.json");
  LQ_CHECK(modules.is_array(), kCorruptFile, "{}: no list of modules", folder.who("modules.json"));
  for (const OrderedJson& module : modules) {
    if (!text_of(module, "type").ends_with("Pooling")) continue;
    const std::string path = text_of(module, "path");
    // A name in this folder, nothing that leads out of it.
    LQ_CHECK(!path.empty() && path.find("..") == std::string::npos && path.front() != '/', kCorruptFile,
             "{}: path \"{}\" of the pooling layer is no folder in this one", folder.who("modules.json"),
             printable(path));
    return fmt::format("{}/config.json", path);
  }
  return {};
}

}  // namespace

std::map<std::string, std::string> gguf_pooling_texts(const GgufMetadata& keys, std::string_view kind) {
  const std::string key = fmt::format("{}.pooling_type", kind);
  const std::int64_t number = keys.integer_or(key, 0, 0, 4);
  LQ_CHECK(number != 4, kUnsupported, "{}: {} is 4, a ranking head, which is not computed", keys.who(), key);
  if (number == 0) return {};
  OrderedJson layer = {
      {"word_embedding_dimension", keys.integer(fmt::format("{}.embedding_length", kind), 1, kWidest)}};
  for (const PoolingWay& way : kPoolingWays) layer[std::string(way.key)] = way.number == number;
  layer["pooling_mode_max_tokens"] = layer["pooling_mode_mean_sqrt_len_tokens"] = false;
  const auto module = [](int index, std::string_view path, const char* type) {
    return OrderedJson{{"idx", index},
                       {"name", std::to_string(index)},
                       {"path", path},
                       {"type", fmt::format("sentence_transformers.models.{}", type)}};
  };
  const OrderedJson modules = {module(0, "", "Transformer"), module(1, kPoolingFolder, "Pooling")};
  return {{"modules.json", modules.dump(2)}, {fmt::format("{}/config.json", kPoolingFolder), layer.dump(2)}};
}

void add_gguf_pooling(const Folder& folder, std::string_view kind, GgufKeys& keys) {
  const std::string file = pooling_file(folder);
  if (file.empty()) return;
  const OrderedJson layer = parsed(folder, file);
  LQ_CHECK(layer.is_object(), kCorruptFile, "{}: no object", folder.who(file));
  for (const PoolingWay& way : kPoolingWays) {
    const bool chosen = (layer.contains(way.key) && layer[std::string(way.key)] == true) ||
                        (layer.contains("pooling_mode") && layer["pooling_mode"] == way.mode);
    if (!chosen) continue;
    keys.u32(fmt::format("{}.pooling_type", kind), way.number);
    return;
  }
  fail(ErrorCode::kUnsupported,
       "{}: how it pools has no name in a GGUF file (those are the mean, the first and the last token)",
       folder.who(file));
}

}  // namespace lq
