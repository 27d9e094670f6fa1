#include "formats/packed_checkpoint.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "formats/config_file.h"
#include "formats/gpt_oss_layout.h"

namespace lq {
namespace {

constexpr std::string_view kMethod = "lqlora";
constexpr std::string_view kOtherMethod = "mxfp4";  // which gpt_oss_layout.h reads

}  // namespace

nlohmann::ordered_json packed_modules_to_json(const PackedModules& packed) {
  nlohmann::ordered_json modules = nlohmann::ordered_json::object();
  for (const auto& [name, module] : packed.modules) modules[name] = packed_module_to_json(module);
  return {{"quant_method", kMethod},
          {"version", kPackedConfigVersion},
          {"model_hash", packed.model_hash},
          {"source_hash", packed.source_hash},
          {"modules", std::move(modules)}};
}

bool is_packed(const JsonObject& config) {
  const auto section = config.section_if("quantization_config");
  if (!section) return false;
  const std::string method = section->text_or("quant_method", "");
  if (method == kOtherMethod && config.text_or("model_type", "") == kGptOssType) return false;
  LQ_CHECK(method == kMethod, kUnsupported,
           "{}: quantization_config.quant_method is '{}', but only dense models and those packed by lqlora "
           "can be read",
           config.who(), method);
  return true;
}

PackedModules packed_modules_from_config(const JsonObject& config) {
  const JsonObject section = config.section("quantization_config");
  const std::int64_t version = section.integer("version");
  LQ_CHECK(version >= 1 && version <= kPackedConfigVersion, kUnsupported,
           "{}: packed format version {}, but this program reads versions 1 to {}", config.who(), version,
           kPackedConfigVersion);
  PackedModules packed;
  packed.model_hash = section.text_or("model_hash", "");
  packed.source_hash = section.text_or("source_hash", "");
  const JsonObject modules = section.section("modules");
  for (const auto& [name, entry] : modules.json().items()) {
    packed.modules[name] = packed_module_from_json(nlohmann::json(entry), version,
                                                   config.who() + " quantization_config.modules." + name);
  }
  return packed;
}

PackedCheckpoint::PackedCheckpoint(const std::filesystem::path& directory)
    : PackedCheckpoint(load_config(directory), std::make_shared<CheckpointReader>(directory)) {}

PackedCheckpoint::PackedCheckpoint(JsonObject config, std::shared_ptr<const CheckpointReader> reader)
    : config_(std::move(config)), reader_(std::move(reader)) {
  LQ_CHECK(is_packed(config_), kMismatch,
           "{}: this model is dense, but a packed one is expected (see lqlora quantize)",
           reader_->path().string());
  packed_ = packed_modules_from_config(config_);
  for (const auto& [name, module] : packed_.modules) {
    for (const TensorSpec& spec : packed_tensor_specs(name, module)) reader_->at(spec.name);
  }
}

std::vector<const TensorView*> PackedCheckpoint::dense_tensors() const {
  std::set<std::string> parts;
  for (const auto& [name, module] : packed_.modules) {
    for (const TensorSpec& spec : packed_tensor_specs(name, module)) parts.insert(spec.name);
  }
  std::vector<const TensorView*> dense;
  for (const TensorView& view : reader_->tensors()) {
    if (!parts.contains(view.name())) dense.push_back(&view);
  }
  return dense;
}

PackedMatrix PackedCheckpoint::matrix(const std::string& name) const {
  const auto found = packed_.modules.find(name);
  LQ_CHECK(found != packed_.modules.end(), kNotFound, "{}: matrix '{}' is not packed",
           reader_->path().string(), name);
  return packed_matrix_from_tensors(
      name, found->second, [this](const std::string& tensor) { return reader_->at(tensor); }, reader_);
}

}  // namespace lq
