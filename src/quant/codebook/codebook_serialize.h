// Packed matrices in a checkpoint: four tensors for each in the safetensors files, and one entry for each in
// config.json under quantization_config.modules. NAME is the weight's full name, such as
// model.layers.0.self_attn.q_proj.weight. docs/formats/packed.md describes both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/codebook/codebook_matrix.h"
#include "tensor/tensor_view.h"

namespace lq {

// On disk: never renumber. A reader refuses other versions.
inline constexpr int kPackedFormatVersion = 1;

// "model.layers.0.mlp.up_proj", the module of the weight "model.layers.0.mlp.up_proj.weight". A module's own
// name stays as it is.
std::string_view module_of(std::string_view name);

// The names NAME.codes (U8), NAME.scales (U8), NAME.scales2 (F32, F16 or BF16), NAME.offset (F32).
struct CodebookTensorNames {
  explicit CodebookTensorNames(std::string_view name);
  std::string codes, scales, scales2, offset;
};

// What config.json says of one packed matrix:
//   {"config": [3, 8, "fp32", 64, 256], "shape": [768, 768], "codebook": "nf", "dtype": "BF16"}
struct CodebookModule {
  CodebookConfig config;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  CodebookKind codebook = CodebookKind::kNormalFloat;
  DType dtype = DType::kF32;  // of the dense weight it was made from: F32, BF16 or F16

  bool operator==(const CodebookModule&) const = default;
};

nlohmann::json codebook_module_to_json(const CodebookModule& module);
// Throws Error(kCorruptFile) naming `who` and the key for anything but the form above; unknown keys are
// ignored.
CodebookModule codebook_module_from_json(const nlohmann::json& json, std::string_view who);

// Names, types and shapes of the four tensors, before there are any bytes: a writer needs them all first.
std::vector<TensorSpec> codebook_tensor_specs(std::string_view name, const CodebookModule& module);

// The bytes of the four tensors, in the order of codebook_tensor_specs. They stay valid while `matrix` lives
// and is not moved.
std::vector<std::span<const std::uint8_t>> codebook_tensor_bytes(const CodebookMatrix& matrix);

// Finds a stored tensor by its full name; throws Error(kNotFound) where there is none.
using TensorLookup = std::function<TensorView(const std::string& name)>;

// The packed matrix NAME, its bytes borrowed from the views that `lookup` gives; `keep_alive` may hold what
// they live in. Throws Error(kNotFound), and Error(kCorruptFile) naming the tensor for a wrong type, shape or
// value.
CodebookMatrix codebook_matrix_from_tensors(std::string_view name, const CodebookModule& module,
                                            const TensorLookup& lookup,
                                            std::shared_ptr<const void> keep_alive = {});

}  // namespace lq
