#include "decompose/methods.h"

#include <array>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

constexpr std::array<MethodTraits, 5> kMethods = {{
    {.method = DecomposeMethod::kLq,
     .name = "lq",
     .help = "alternate until the error stops falling",
     .factors = true,
     .iterations = 100,  // LQ-LoRA, section 3.1
     .alternates = true,
     .starts_from_svd = true,
     .keeps_best = true,
     .accelerated = true,
     .groups_with_feedback = false},
    {.method = DecomposeMethod::kLoftq,
     .name = "loftq",
     .help = "five alternations from Q = quantize(W)",
     .factors = true,
     .iterations = 5,  // LoftQ's T
     .alternates = true,
     .starts_from_svd = false,
     .keeps_best = false,
     .accelerated = false,
     .groups_with_feedback = false},
    {.method = DecomposeMethod::kLorc,
     .name = "lorc",
     .help = "Q = quantize(W), then one SVD of the rest: the start for fine-tuning",
     .factors = true,
     .iterations = 1,
     .alternates = false,
     .starts_from_svd = false,
     .keeps_best = true,
     .accelerated = false,
     .groups_with_feedback = false},
    {.method = DecomposeMethod::kQlora,
     .name = "qlora",
     .help = "Q alone",
     .factors = false,
     .iterations = 1,
     .alternates = false,
     .starts_from_svd = false,
     .keeps_best = true,
     .accelerated = false,
     .groups_with_feedback = false},
    {.method = DecomposeMethod::kGptq,
     .name = "gptq",
     .help = "Q alone, with error feedback from the first column to the last",
     .factors = false,
     .iterations = 1,
     .alternates = false,
     .starts_from_svd = false,
     .keeps_best = true,
     .accelerated = false,
     .groups_with_feedback = true},
}};

}  // namespace

std::span<const MethodTraits> decompose_methods() { return kMethods; }

const MethodTraits& method_traits(DecomposeMethod method) {
  return kMethods.at(static_cast<std::size_t>(method));
}

DecomposeMethod parse_decompose_method(std::string_view name) {
  std::string names;
  for (const MethodTraits& m : kMethods) {
    if (m.name == name) return m.method;
    names += names.empty() ? "" : ", ";
    names += m.name;
  }
  fail(ErrorCode::kInvalidArgument, "unknown method '{}'; choose from {}", name, names);
}

std::string_view decompose_method_name(DecomposeMethod method) { return method_traits(method).name; }

}  // namespace lq
