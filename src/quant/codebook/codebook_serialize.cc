#include "quant/codebook/codebook_serialize.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "tensor/shape.h"

namespace lq {
namespace {

DType stored_dtype(ScaleDType type) {
  switch (type) {
    case ScaleDType::kBf16:
      return DType::kBf16;
    case ScaleDType::kFp16:
      return DType::kF16;
    case ScaleDType::kFp32:
      break;
  }
  return DType::kF32;
}

const nlohmann::json& member(const nlohmann::json& json, const char* key, std::string_view who) {
  LQ_CHECK(json.is_object() && json.contains(key), kCorruptFile, "{}: \"{}\" is missing", who, key);
  return json.at(key);
}

std::string text_member(const nlohmann::json& json, const char* key, std::string_view who) {
  const nlohmann::json& value = member(json, key, who);
  LQ_CHECK(value.is_string(), kCorruptFile, "{}: \"{}\" is not a string", who, key);
  return value.get<std::string>();
}

std::span<const std::uint8_t> bytes_of(const TensorView& view, const TensorSpec& expected) {
  LQ_CHECK(view.spec.dtype == expected.dtype && view.spec.shape == expected.shape, kCorruptFile,
           "{}: {} {}, but must be {} {}", expected.name, dtype_name(view.spec.dtype),
           shape_text(view.spec.shape), dtype_name(expected.dtype), shape_text(expected.shape));
  return {reinterpret_cast<const std::uint8_t*>(view.data), view.bytes};
}

}  // namespace

std::string_view module_of(std::string_view name) {
  constexpr std::string_view kSuffix = ".weight";
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  return name;
}

CodebookTensorNames::CodebookTensorNames(std::string_view name)
    : codes(fmt::format("{}.codes", name)),
      scales(fmt::format("{}.scales", name)),
      scales2(fmt::format("{}.scales2", name)),
      offset(fmt::format("{}.offset", name)) {}

nlohmann::json codebook_module_to_json(const CodebookModule& module) {
  return {{"config", codebook_config_to_json(module.config)},
          {"shape", {module.rows, module.cols}},
          {"codebook", std::string(codebook_kind_name(module.codebook))},
          {"dtype", std::string(dtype_name(module.dtype))}};
}

CodebookModule codebook_module_from_json(const nlohmann::json& json, std::string_view who) {
  CodebookModule module;
  module.config = codebook_config_from_json(member(json, "config", who), fmt::format("{}: \"config\"", who));
  const nlohmann::json& shape = member(json, "shape", who);
  const bool two_extents =
      shape.is_array() && shape.size() == 2 && shape[0].is_number_integer() && shape[1].is_number_integer();
  LQ_CHECK(two_extents, kCorruptFile, "{}: \"shape\" is not [rows, cols]", who);
  const auto extent = [&](std::size_t i) {
    const auto value = shape[i].get<std::int64_t>();  // above 2^63 it wraps below zero
    LQ_CHECK(value >= 1 && value <= kMaxCodebookElements, kCorruptFile,
             "{}: \"shape\" has extent {}, but must have 1 to 2^42", who, shape[i].dump());
    return value;
  };
  module.rows = extent(0);
  module.cols = extent(1);
  module.codebook = codebook_kind_from_name(text_member(json, "codebook", who), who);
  const std::string dtype = text_member(json, "dtype", who);
  for (const DType candidate : {DType::kF32, DType::kBf16, DType::kF16}) {
    if (dtype == dtype_name(candidate)) {
      module.dtype = candidate;
      return module;
    }
  }
  fail(ErrorCode::kCorruptFile, "{}: \"dtype\" is \"{}\", but must be F32, BF16 or F16", who, dtype);
}

std::vector<TensorSpec> codebook_tensor_specs(std::string_view name, const CodebookModule& module) {
  const CodebookSizes sizes = codebook_sizes(module.rows, module.cols, module.config, name);
  const CodebookTensorNames names(name);
  return {{names.codes, DType::kU8, {sizes.codes_bytes}},
          {names.scales, DType::kU8, {sizes.scales_bytes}},
          {names.scales2, stored_dtype(module.config.scale2), {sizes.groups}},
          {names.offset, DType::kF32, {1}}};
}

std::vector<std::span<const std::uint8_t>> codebook_tensor_bytes(const CodebookMatrix& matrix) {
  const CodebookParts& parts = matrix.parts();
  return {parts.codes,
          parts.scales,
          parts.scales2,
          {reinterpret_cast<const std::uint8_t*>(&parts.offset), sizeof(parts.offset)}};
}

CodebookMatrix codebook_matrix_from_tensors(std::string_view name, const CodebookModule& module,
                                            const TensorLookup& lookup,
                                            std::shared_ptr<const void> keep_alive) {
  const std::vector<TensorSpec> specs = codebook_tensor_specs(name, module);
  CodebookParts parts;
  parts.codes = bytes_of(lookup(specs[0].name), specs[0]);
  parts.scales = bytes_of(lookup(specs[1].name), specs[1]);
  parts.scales2 = bytes_of(lookup(specs[2].name), specs[2]);
  const std::span<const std::uint8_t> offset = bytes_of(lookup(specs[3].name), specs[3]);
  LQ_CHECK(offset.size() == sizeof(parts.offset), kCorruptFile, "{}: {} bytes, but must be 4", specs[3].name,
           offset.size());
  std::memcpy(&parts.offset, offset.data(), sizeof(parts.offset));
  return CodebookMatrix(module.rows, module.cols, module.config, module.codebook, parts, name,
                        std::move(keep_alive));
}

}  // namespace lq
