#include "compare/compare_method.h"

#include <array>

#include "base/error.h"

namespace lq {
namespace {

struct MethodFacts {
  CompareMethod method;
  std::string_view name, title;
  DecomposeMethod decompose;
  ImportanceKind importance;
  bool mixed;
};

constexpr std::array<MethodFacts, 13> kMethods = {{
    {CompareMethod::kFull, "full", "full fine-tuning", DecomposeMethod::kQlora, ImportanceKind::kNone, false},
    {CompareMethod::kLora, "lora", "LoRA, dense base", DecomposeMethod::kQlora, ImportanceKind::kNone, false},
    {CompareMethod::kQlora, "qlora", "QLoRA + ILP", DecomposeMethod::kQlora, ImportanceKind::kNone, true},
    {CompareMethod::kQloraUniform, "qlora-uniform", "QLoRA, uniform", DecomposeMethod::kQlora,
     ImportanceKind::kNone, false},
    {CompareMethod::kGptqLora, "gptq-lora", "GPTQ-LoRA", DecomposeMethod::kGptq, ImportanceKind::kInput,
     false},
    {CompareMethod::kLoftq, "loftq", "LoftQ + ILP", DecomposeMethod::kLoftq, ImportanceKind::kNone, true},
    {CompareMethod::kLoftqUniform, "loftq-uniform", "LoftQ, uniform", DecomposeMethod::kLoftq,
     ImportanceKind::kNone, false},
    {CompareMethod::kLorc, "lorc", "LoRC + ILP", DecomposeMethod::kLorc, ImportanceKind::kNone, true},
    {CompareMethod::kLq, "lq", "LQ-LoRA", DecomposeMethod::kLq, ImportanceKind::kNone, true},
    {CompareMethod::kLqFisher, "lq-fisher", "LQ-LoRA, Fisher", DecomposeMethod::kLq, ImportanceKind::kFisher,
     true},
    {CompareMethod::kOurs, "ours", "ours", DecomposeMethod::kLq, ImportanceKind::kKfac, true},
    {CompareMethod::kOursBeside, "ours-beside", "ours, LoRA beside", DecomposeMethod::kLq,
     ImportanceKind::kKfac, true},
    {CompareMethod::kOursLorc, "ours-lorc", "ours, LoRC start", DecomposeMethod::kLorc, ImportanceKind::kKfac,
     true},
}};

const MethodFacts& facts_of(CompareMethod method) {
  for (const MethodFacts& facts : kMethods) {
    if (facts.method == method) return facts;
  }
  fail(ErrorCode::kInternal, "[compare] no such method");
}

}  // namespace

const std::vector<CompareMethod>& all_compare_methods() {
  static const std::vector<CompareMethod> kAll = [] {
    std::vector<CompareMethod> all;
    for (const MethodFacts& facts : kMethods) all.push_back(facts.method);
    return all;
  }();
  return kAll;
}

std::string_view compare_method_name(CompareMethod method) { return facts_of(method).name; }
std::string_view compare_method_title(CompareMethod method) { return facts_of(method).title; }
bool has_packed_base(CompareMethod method) {
  return method != CompareMethod::kLora && method != CompareMethod::kFull;
}
bool needs_statistics(CompareMethod method) { return facts_of(method).importance != ImportanceKind::kNone; }

CompareMethod base_method(CompareMethod method) {
  return method == CompareMethod::kOursBeside ? CompareMethod::kOurs : method;
}

bool has_factors(CompareMethod method) { return method_traits(facts_of(method).decompose).factors; }

LoraStart lora_start(CompareMethod method) {
  if (method == CompareMethod::kOursBeside) return LoraStart::kStacked;
  return has_factors(method) ? LoraStart::kAdapter : LoraStart::kZero;
}

MethodPlan compare_method_plan(CompareMethod method, std::int64_t rank) {
  const MethodFacts& facts = facts_of(method);
  MethodPlan plan;
  plan.decompose = facts.decompose;
  plan.rank = has_factors(method) ? rank : 0;
  plan.mixed = facts.mixed;
  MethodChoices choices;
  choices.method = facts.decompose;
  choices.uniform = !facts.mixed;
  choices.has_statistics = needs_statistics(method);
  const bool ours = base_method(method) == CompareMethod::kOurs || method == CompareMethod::kOursLorc;
  if (!ours) choices.importance = facts.importance;
  if (method == CompareMethod::kLq || method == CompareMethod::kLqFisher) {
    // As the paper has them.
    choices.formats = {"nf"};
    choices.scales = ScaleMode::kAbsMax;
    choices.feedback = false;
  }
  plan.settings = settle(choices);
  return plan;
}

std::string why_not(CompareMethod method, double bits) {
  if (!has_packed_base(method) || facts_of(method).mixed) return {};
  const bool whole = bits == 2.0 || bits == 3.0 || bits == 4.0 || bits == 5.0 || bits == 6.0 || bits == 8.0;
  return whole ? std::string() : "all its codes have one width: 2, 3, 4, 5, 6 or 8 bits";
}

}  // namespace lq
