// The options of allocate, described (files/options/option.h).
#pragma once

#include <cstdint>
#include <filesystem>

#include "allocate/constraints.h"
#include "files/options/option.h"

namespace lq {

struct AllocateOptions {
  std::filesystem::path table = {};
  std::filesystem::path out = {};    // empty: nothing is written
  double bits = 0.0;                 // per weight, on average; 0: not given
  std::int64_t memory = 0;           // bytes for the whole model while it is fine-tuned; 0: not given
  std::filesystem::path model = {};  // for `memory`: the dense model that the table is of
  std::int64_t memory_tokens = 512;  // for `memory`: of a training step
  bool frontier = false;             // the best error of every budget, instead
  Constraints constraints = {};      // pins as they were given, until settle_pins
};

void describe(OptionVisitor& v, AllocateOptions& o);

// Throws OptionError where no budget is named, or `memory` without its model.
void check(const AllocateOptions& o);

}  // namespace lq
