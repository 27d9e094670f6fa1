#include "formats/packed_module.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "files/json_parts.h"
#include "tensor/shape.h"

namespace lq {
namespace {

const nlohmann::json& member(const nlohmann::json& json, const char* key, std::string_view who) {
  LQ_CHECK(json.is_object() && json.contains(key), kCorruptFile, "{}: \"{}\" is missing", who, key);
  return json.at(key);
}

std::string text_member(const nlohmann::json& json, const char* key, std::string_view who) {
  const nlohmann::json& value = member(json, key, who);
  LQ_CHECK(value.is_string(), kCorruptFile, "{}: \"{}\" is not a string", who, key);
  return value.get<std::string>();
}

const QuantFormat& format_member(const nlohmann::json& json, std::int64_t version, std::string_view who) {
  const char* const key = version == 1 ? "codebook" : "format";
  const std::string name = text_member(json, key, who);
  const QuantFormat* const format = find_quant_format(name);
  const bool known = format != nullptr && (version > 1 || format->unnamed());
  LQ_CHECK(version > 1 || known, kCorruptFile, "{}: codebook \"{}\", but must be \"nf\", \"int\" or \"lm\"",
           who, name);
  LQ_CHECK(known, kUnsupported, "{}: \"format\" is \"{}\", which this program does not have", who, name);
  if (json.contains("format_version")) {
    const nlohmann::json& of_format = json.at("format_version");
    LQ_CHECK(of_format.is_number_integer() && of_format.get<std::int64_t>() >= 0, kCorruptFile,
             "{}: \"format_version\" is not a whole number", who);
    LQ_CHECK(of_format.get<std::uint64_t>() <= static_cast<std::uint64_t>(format->version()), kUnsupported,
             "{}: format {} of version {}, but this program reads up to version {}", who, name,
             of_format.get<std::uint64_t>(), format->version());
  }
  return *format;
}

std::string config_member(const nlohmann::json& json, const QuantFormat& format, std::string_view who) {
  const std::string at = fmt::format("{}: \"config\"", who);
  const std::string given = parts_from_json(member(json, "config", who), at);
  std::string parameters;
  try {
    parameters = format.parse(given, at);
  } catch (const Error& e) {
    throw Error(ErrorCode::kCorruptFile, e.what());
  }
  LQ_CHECK(parameters == given, kCorruptFile, "{} is {}, but must be {} in full", at, given, parameters);
  return parameters;
}

std::span<const std::uint8_t> bytes_of(const TensorView& view, const TensorSpec& expected) {
  LQ_CHECK(view.spec.dtype == expected.dtype && view.spec.shape == expected.shape, kCorruptFile,
           "{}: {} {}, but must be {} {}", expected.name, dtype_name(view.spec.dtype),
           shape_text(view.spec.shape), dtype_name(expected.dtype), shape_text(expected.shape));
  LQ_CHECK(view.bytes == expected.bytes(), kCorruptFile, "{}: {} bytes, but must be {}", expected.name,
           view.bytes, expected.bytes());
  return {reinterpret_cast<const std::uint8_t*>(view.data), view.bytes};
}

}  // namespace

nlohmann::json packed_module_to_json(const PackedModule& module) {
  nlohmann::json json = {{"format", module.choice.format},
                         {"config", parts_to_json(module.choice.parameters)},
                         {"shape", {module.rows, module.cols}},
                         {"dtype", std::string(dtype_name(module.dtype))}};
  const int version = quant_format(module.choice.format, "packed module").version();
  if (version > 1) json["format_version"] = version;
  return json;
}

PackedModule packed_module_from_json(const nlohmann::json& json, std::int64_t version, std::string_view who) {
  PackedModule module;
  const QuantFormat& format = format_member(json, version, who);
  module.choice = {std::string(format.name()), config_member(json, format, who)};
  const nlohmann::json& shape = member(json, "shape", who);
  const bool two_extents =
      shape.is_array() && shape.size() == 2 && shape[0].is_number_integer() && shape[1].is_number_integer();
  LQ_CHECK(two_extents, kCorruptFile, "{}: \"shape\" is not [rows, cols]", who);
  const auto extent = [&](std::size_t i) {
    const auto value = shape[i].get<std::int64_t>();  // above 2^63 it wraps below zero
    LQ_CHECK(value >= 1 && value <= kMostElements, kCorruptFile,
             "{}: \"shape\" has extent {}, but must have 1 to 2^42", who, shape[i].dump());
    return value;
  };
  module.rows = extent(0);
  module.cols = extent(1);
  const std::string dtype = text_member(json, "dtype", who);
  for (const DType candidate : {DType::kF32, DType::kBf16, DType::kF16}) {
    if (dtype == dtype_name(candidate)) {
      module.dtype = candidate;
      return module;
    }
  }
  fail(ErrorCode::kCorruptFile, "{}: \"dtype\" is \"{}\", but must be F32, BF16 or F16", who, dtype);
}

std::vector<TensorSpec> packed_tensor_specs(std::string_view name, const PackedModule& module) {
  std::vector<TensorSpec> specs = quant_format(module.choice.format, name)
                                      .parts(module.choice.parameters, module.rows, module.cols, name);
  for (TensorSpec& spec : specs) spec.name = fmt::format("{}.{}", name, spec.name);
  return specs;
}

PackedMatrix packed_matrix_from_tensors(std::string_view name, const PackedModule& module,
                                        const TensorLookup& lookup, std::shared_ptr<const void> keep_alive) {
  std::vector<std::span<const std::uint8_t>> bytes;
  for (const TensorSpec& spec : packed_tensor_specs(name, module))
    bytes.push_back(bytes_of(lookup(spec.name), spec));
  return quant_format(module.choice.format, name)
      .open(module.choice.parameters, module.rows, module.cols, bytes, name, std::move(keep_alive));
}

}  // namespace lq
