// Packed matrices in a checkpoint: a few tensors for each in the safetensors files, NAME.codes and others,
// and one entry for each in config.json under quantization_config.modules. NAME is the weight's full name,
// such as model.layers.0.self_attn.q_proj.weight. docs/formats/packed.md describes both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "quant/format.h"
#include "tensor/tensor_view.h"

namespace lq {

// Of quantization_config, on disk: never renumber. Version 1, of codebook formats only, is read as well.
inline constexpr int kPackedConfigVersion = 2;

// What config.json says of one packed matrix:
//   {"format": "nf", "config": [3, 8, "fp32", 64, 256], "shape": [768, 768], "dtype": "BF16"}
// "config" holds the choice's parameters. Version 1 has "codebook" in place of "format".
struct PackedModule {
  QuantChoice choice;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  DType dtype = DType::kF32;  // of the dense weight it was made from: F32, BF16 or F16

  bool operator==(const PackedModule&) const = default;
};

// In the newest version.
nlohmann::json packed_module_to_json(const PackedModule& module);
// Throws Error(kCorruptFile) naming `who` and the key for anything but the form above, Error(kUnsupported)
// for a format, or a version of it, that this program does not have; unknown keys are ignored. REQUIRES:
// version is 1 or 2.
PackedModule packed_module_from_json(const nlohmann::json& json, std::int64_t version, std::string_view who);

// Names, types and shapes of the tensors, before there are any bytes: a writer needs them all first.
std::vector<TensorSpec> packed_tensor_specs(std::string_view name, const PackedModule& module);

// Finds a stored tensor by its full name; throws Error(kNotFound) where there is none.
using TensorLookup = std::function<TensorView(const std::string& name)>;

// The packed matrix NAME, its bytes borrowed from the views that `lookup` gives; `keep_alive` may hold what
// they live in. Throws Error(kNotFound), and Error(kCorruptFile) naming the tensor for a wrong type, shape or
// value.
PackedMatrix packed_matrix_from_tensors(std::string_view name, const PackedModule& module,
                                        const TensorLookup& lookup,
                                        std::shared_ptr<const void> keep_alive = {});

}  // namespace lq
