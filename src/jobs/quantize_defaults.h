// What is meant where a user leaves it open. Chosen by measurement (docs/results.md, "Methods on quill").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/enum_names.h"
#include "decompose/decompose.h"
#include "jobs/matrix_importance.h"
#include "quant/format_set.h"

namespace lq {

inline constexpr EnumName<ScaleMode> kScaleModeNames[] = {{ScaleMode::kAbsMax, "absmax"},
                                                          {ScaleMode::kSearch, "search"}};
inline constexpr EnumName<Feedback> kFeedbackNames[] = {
    {Feedback::kOff, "off"}, {Feedback::kOn, "on"}, {Feedback::kGptq, "gptq"}};

struct MethodChoices {
  DecomposeMethod method = DecomposeMethod::kLq;
  bool uniform = false;         // one configuration for all matrices, as the papers have it
  bool has_statistics = false;  // of a calibration, or text for one
  std::optional<ImportanceKind> importance = {};
  std::vector<std::string> formats = {};  // empty: left open
  std::optional<ScaleMode> scales = {};
  std::optional<bool> feedback = {};
};

struct MethodSettings {
  ImportanceKind importance = ImportanceKind::kNone;
  FormatSet formats = {};
  QuantizerOptions quantizer = {};
};

// The methods of other papers get what those papers have: NormalFloat, absmax, no weights; gptq its feedback,
// evenly spaced codes and the inputs' moment. lq, and lorc as a start for fine-tuning, take kfac weights and
// error feedback where there are statistics. Codes: NormalFloat, which has a zero and so bears blocks with
// one large weight; in mixes whose errors say what they cost, trellis codes beside it. Scales are searched in
// mixes and beside feedback. Formats that know no feedback and no search have neither. Throws
// Error(kInvalidArgument) for choices that do not go together.
MethodSettings settle(const MethodChoices& choices);

}  // namespace lq
