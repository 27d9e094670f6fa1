#include "formats/config_file.h"

#include "files/json_file.h"

namespace lq {
namespace {

constexpr std::uint64_t kConfigLimit =
    4'000'000;  // bytes; the largest real ones list labels and stay below 1 MB

}  // namespace

JsonObject load_config(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kConfigName;
  return JsonObject::parse(read_text(file, kConfigLimit), "[config] " + file.string());
}

bool names_weight_type(const nlohmann::ordered_json& config) {
  return config.contains("dtype") || config.contains("torch_dtype");
}

void name_weight_type(nlohmann::ordered_json& config, DType type) {
  const char* const name = type == DType::kF32 ? "float32" : type == DType::kBf16 ? "bfloat16" : "float16";
  const bool old = config.contains("torch_dtype");
  if (old) config["torch_dtype"] = name;
  if (!old || config.contains("dtype")) config["dtype"] = name;
}

}  // namespace lq
