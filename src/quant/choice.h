// One way to quantize a matrix, by name: what an allocation chooses among, and what is stored beside a packed
// matrix.
#pragma once

#include <string>

namespace lq {

// REQUIRES of a choice that is used: a format of the table (quant/format.h) and parameters in the form that
// its parse() gives; parse_choice() and FormatSet make such choices.
struct QuantChoice {
  std::string format;      // "nf", "int-row", ...
  std::string parameters;  // in the format's own words: "3,8,fp32,64,256", "4"

  bool operator==(const QuantChoice&) const = default;
  // "nf 3,8,fp32,64,256", "int-row 4": for messages and tables.
  std::string name() const { return format + " " + parameters; }
};

}  // namespace lq
