// The methods of decomposition, as entries of one table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lq {

enum class DecomposeMethod : std::uint8_t {
  kLq,     // alternate SVD and quantization, starting from Q = 0; keep the best iterate
  kLoftq,  // the same from Q = quantize(W), five alternations (Li 2023)
  kLorc,   // Q = quantize(W), one SVD of the rest (Yao 2023)
  kQlora,  // Q = quantize(W), L = 0
  // Q = GPTQ(W) with the second moment of the inputs (Frantar 2022), L = 0. REQUIRES: a quantizer with
  // Feedback::kGptq, an importance with right() (importance input or kfac).
  kGptq,
};

struct MethodTraits {
  DecomposeMethod method;
  std::string_view name;      // on disk and on the command line: never renamed
  std::string_view help;      // for --help
  bool factors;               // has a low-rank part
  int iterations;             // alternations, at most, unless the options say otherwise
  bool alternates;            // the options may say otherwise
  bool starts_from_svd;       // the first target is W - SVD(W); otherwise W itself
  bool keeps_best;            // of its iterates; otherwise the last
  bool accelerated;           // tolerance, relaxation and target_error count
  bool groups_with_feedback;  // is error feedback in groups of columns: Feedback::kGptq and no other
};

// In the order of the enum.
std::span<const MethodTraits> decompose_methods();
const MethodTraits& method_traits(DecomposeMethod method);

// "lq", "loftq", "lorc", "qlora", "gptq". Throws Error(kInvalidArgument) for others.
DecomposeMethod parse_decompose_method(std::string_view name);
std::string_view decompose_method_name(DecomposeMethod method);

}  // namespace lq
