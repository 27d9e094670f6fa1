#include "jobs/quantize_defaults.h"

#include <algorithm>
#include <functional>

#include "base/option_error.h"

namespace lq {
namespace {

template <typename Property>
bool some_format(const FormatSet& formats, const Property& property) {
  return std::any_of(formats.names().begin(), formats.names().end(), [&](const std::string& name) {
    return std::invoke(property, quant_format(name, "format"));
  });
}

}  // namespace

MethodSettings settle(const MethodChoices& c) {
  // lorc is its paper's without statistics, and with them a start of ours.
  const bool ours =
      c.method == DecomposeMethod::kLq || (c.method == DecomposeMethod::kLorc && c.has_statistics);
  const bool gptq = c.method == DecomposeMethod::kGptq;
  MethodSettings s;
  s.importance = c.importance.value_or(gptq                       ? ImportanceKind::kInput
                                       : ours && c.has_statistics ? ImportanceKind::kKfac
                                                                  : ImportanceKind::kNone);
  check_option(s.importance == ImportanceKind::kNone || c.has_statistics, "importance",
               "{}{} needs `data`, a text to calibrate on, `self`, or `stats`, a file made by calibrate",
               importance_name(s.importance), gptq ? " (for `method` gptq)" : "");
  check_option(
      c.importance || !c.has_statistics || s.importance != ImportanceKind::kNone, "importance",
      "is left open, and `method` {} weighs nothing by itself: name one, or drop `data`, `self` or `stats`",
      method_traits(c.method).name);
  const bool moments = s.importance >= ImportanceKind::kInput;
  check_option(!gptq || moments, "method", "gptq needs `importance` input or kfac");
  check_option(!gptq || c.feedback.value_or(true), "method", "gptq is error feedback: drop `no-feedback`");
  check_option(!c.feedback.value_or(false) || moments, "feedback", "needs `importance` input or kfac");
  s.formats = !c.formats.empty()                                            ? FormatSet(c.formats)
              : gptq                                                        ? FormatSet({"int"})
              : ours && !c.uniform && s.importance != ImportanceKind::kNone ? FormatSet({"tcq", "nf"})
                                                                            : FormatSet({"nf"});
  const bool feedback =
      c.feedback.value_or(ours && moments && some_format(s.formats, &QuantFormat::feeds_back));
  s.quantizer.feedback = gptq ? Feedback::kGptq : feedback ? Feedback::kOn : Feedback::kOff;
  const bool searches = some_format(s.formats, &QuantFormat::searches_scales);
  // Not one width without feedback, as the papers have it.
  s.quantizer.scales = c.scales.value_or(ours && searches && (!c.uniform || feedback) ? ScaleMode::kSearch
                                                                                      : ScaleMode::kAbsMax);
  s.formats.check_options(s.quantizer);
  check_option(!gptq || !some_format(s.formats, [](const QuantFormat& f) { return !f.feeds_back(); }),
               "method", "gptq is error feedback, which not every one of the formats {} has",
               s.formats.text());
  return s;
}

}  // namespace lq
