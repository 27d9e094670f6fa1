#include "jobs/options/allocate_options.h"

#include "base/option_error.h"
#include "files/options/option_values.h"
#include "jobs/options/plan_options.h"

namespace lq {

void describe(OptionVisitor& v, AllocateOptions& o) {
  v.option({.key = "table", .help = "Error table (.json or .json.gz)", .position = "TABLE", .required = true},
           path(o.table));
  v.option({.key = "bits", .help = "Budget in bits per weight, on average", .open = true},
           number(o.bits, kAboveZero));
  v.option({.key = "frontier",
            .help = "The best error for every budget from 2.2 to 8.2 bits",
            .excludes = {"bits"}},
           flag(o.frontier));
  v.option(
      {.key = "out", .help = "Write the allocation to this file", .letter = "o", .changes_result = false},
      path(o.out));
  v.option({.key = "memory",
            .help = "Budget for the whole model while its low-rank part is fine-tuned, such as 6GiB",
            .excludes = {"bits"}},
           bytes(o.memory));
  v.option({.key = "model", .help = "For `memory`: the dense model that the table is of"}, path(o.model));
  v.option({.key = "memory-tokens", .help = "For `memory`: tokens of a training step"},
           integer(o.memory_tokens, 1, 1 << 30));
  describe(v, o.constraints);
}

void check(const AllocateOptions& o) {
  check_option(o.frontier || o.bits > 0.0 || o.memory > 0, "bits",
               "is missing: give it, `memory` or `frontier`");
  const std::pair<std::string_view, bool> of_budget[] = {
      {"out", !o.out.empty()}, {"memory", o.memory > 0}, {"model", !o.model.empty()}};
  for (const auto& [option, given] : of_budget) {
    check_option(!o.frontier || !given, option, "and `frontier` exclude each other");
  }
  check_option(o.memory > 0 || o.model.empty(), "model", "is for `memory`, which is not given");
  check_option(o.memory > 0 || o.memory_tokens == AllocateOptions().memory_tokens, "memory-tokens",
               "is for `memory`, which is not given");
  std::error_code ignored;
  check_option(o.out.empty() || !std::filesystem::equivalent(o.out, o.table, ignored), "out",
               "is {}, the table itself: it would be lost", o.out.string());
  check_option(o.memory == 0 || !o.model.empty(), "memory",
               "needs `model`, the dense model that the table is of: its other tensors count as well");
}

}  // namespace lq
