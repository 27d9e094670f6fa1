// The formats of one job, and how choices among them are named.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "quant/format.h"

namespace lq {

// At least one format, each once, in the order given. A choice's name is "int-row 4", format and parameters;
// of the one format that goes without a name (QuantFormat::unnamed), where there is just one, the parameters
// alone: "3,8,fp32,64,256".
class FormatSet {
 public:
  FormatSet() : FormatSet({"nf"}) {}
  // Throws Error(kInvalidArgument) for a name that is no format's, or none.
  FormatSet(std::vector<std::string> names);  // NOLINT: meant to convert
  // "nf,int-row". `who` starts messages.
  static FormatSet parse(std::string_view text, std::string_view who);

  const std::vector<std::string>& names() const { return names_; }
  std::string text() const;  // "nf,int-row"
  bool contains(std::string_view format) const;

  std::string name_of(const QuantChoice& choice) const;
  // Any format's name is understood; parameters alone are those of the unnamed format, or of the only format.
  // Throws Error(kInvalidArgument) starting with `who`.
  QuantChoice choice_of(std::string_view name, std::string_view who) const;
  // Every format's choices, one format after the other. Lean ones beside a format whose codes are better
  // below some width (QuantFormat::outdoes_below): of the codebooks those of that width and more, and two of
  // each width below, for matrices too narrow for that format.
  std::vector<QuantChoice> choices(ChoiceSet set) const;
  // Codes of this width, in the usual parameters of the unnamed format, or of the only format. Throws
  // Error(kInvalidArgument) where there are several.
  QuantChoice uniform(int bits) const;

  // Throws Error(kInvalidArgument) for options that none of the formats knows.
  void check_options(const QuantizerOptions& options) const;

  bool operator==(const FormatSet&) const = default;

 private:
  // The format whose choices go without its name; null: there is none, or several.
  const QuantFormat* unnamed() const;

  std::vector<std::string> names_;
};

}  // namespace lq
