// The methods that `compare` sets side by side: how each makes its base, and what its fine-tuning starts from
// (docs/compare.md).
//
//   full            the dense model, all of whose parameters learn
//   lora            the dense model; A random, B = 0
//   qlora           NormalFloat, mixed by the integer programme; A random, B = 0
//   qlora-uniform   the same with one configuration, as QLoRA has it
//   gptq-lora       GPTQ, one width, groups of 64; A random, B = 0
//   loftq           LoftQ's alternation, mixed; starts from its factors
//   loftq-uniform   the same with one configuration, as LoftQ has it
//   lorc            one SVD of the rounding error, mixed; starts from it
//   lq              LQ-LoRA, unweighted, mixed
//   lq-fisher       LQ-LoRA, Fisher-weighted, mixed
//   ours            what `quantize` does by default where it has statistics
//   ours-beside     the same base, whose factors stay as they are; A random, B = 0 beside them
//   ours-lorc       the same importance, codes and programme; starts from small factors, of what the codes
//                   leave
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "decompose/decompose.h"
#include "jobs/quantize_defaults.h"
#include "train/lora_setup.h"

namespace lq {

enum class CompareMethod : std::uint8_t {
  kLora,
  kQlora,
  kQloraUniform,
  kGptqLora,
  kLoftq,
  kLoftqUniform,
  kLorc,
  kLq,
  kLqFisher,
  kOurs,
  kOursBeside,
  kOursLorc,
  kFull,
};

const std::vector<CompareMethod>& all_compare_methods();
std::string_view compare_method_name(CompareMethod method);  // as in the list above
// For people: "QLoRA + ILP".
std::string_view compare_method_title(CompareMethod method);

// How the base is made. REQUIRES: has_packed_base(method).
struct MethodPlan {
  DecomposeMethod decompose = DecomposeMethod::kLq;
  std::int64_t rank = 0;  // of the decomposition's factors
  MethodSettings settings;
  bool mixed = true;  // a configuration for each matrix, by a budget; else one for all
};
MethodPlan compare_method_plan(CompareMethod method, std::int64_t rank);

bool has_packed_base(CompareMethod method);
// The method whose base it fine-tunes: itself, but for kOursBeside.
CompareMethod base_method(CompareMethod method);
// Whether the base has factors of its decomposition.
bool has_factors(CompareMethod method);
// What its fine-tuning starts from.
LoraStart lora_start(CompareMethod method);
bool needs_statistics(CompareMethod method);
// Why the method has no model of so many bits a weight, for a reader of the table; empty where it has.
std::string why_not(CompareMethod method, double bits);

}  // namespace lq
