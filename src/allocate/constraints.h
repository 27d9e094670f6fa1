// What a user may pin, and the programme that a table and constraints make.
//
// A pattern is a glob over the whole of a matrix's name (base/glob.h). Every rule must match at least one
// matrix: one that matches none is taken for a typing error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocate/choices.h"
#include "allocate/error_table.h"

namespace lq {

struct BitsRule {
  std::string pattern = "*";
  double bits = 0;  // per weight
};

struct Pin {
  std::string pattern;
  std::string choice;            // its name in the table
  std::optional<int> rank = {};  // rank auto only; without it any rank of the table
};

struct Constraints {
  std::vector<BitsRule> min_bits = {};  // each matching matrix takes at least this; all matching rules hold
  std::vector<BitsRule> max_bits = {};  // each matching matrix takes at most this
  std::vector<Pin> pins = {};           // the last that matches counts, and min_bits and max_bits don't
  std::vector<BitsRule> caps =
      {};  // the matching matrices take at most this on average; no matrix under two caps
  std::optional<double> layer_cap = {};  // a cap on each layer (layer_of); not together with `caps`
};

// "model.layers.12.mlp.up_proj.weight" -> "model.layers.12": up to the first part that is a number; "" where
// none is.
std::string_view layer_of(std::string_view name);

// "2.5" or "PATTERN=2.5". Throws Error(kInvalidArgument) of `option`.
BitsRule parse_bits_rule(std::string_view text, std::string_view option);
// "PATTERN=CHOICE" or "PATTERN=CHOICE@RANK", CHOICE as it stands in the table.
Pin parse_pin(std::string_view text, std::string_view option);

// Choices that the constraints allow, dominated ones dropped; storage in bits of the whole matrix. Caps are
// checked to be possible. Throws Error(kInvalidArgument) for rules that match nothing, contradict each other
// or cannot be met, saying what the least possible is. REQUIRES: a table that passes check_error_table.
Programme make_programme(const ErrorTable& table, const Constraints& constraints);

}  // namespace lq
