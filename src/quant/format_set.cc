#include "quant/format_set.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"

namespace lq {
namespace {

// Those of `least` bits and more; below, of each width the cheapest and the one in the middle.
std::vector<std::string> thinned(const QuantFormat& format, const std::vector<std::string>& choices,
                                 int least) {
  std::map<int, std::vector<std::pair<double, std::string>>> narrow;
  std::vector<std::string> kept;
  for (const std::string& parameters : choices) {
    const int width = format.sweep_place(parameters).width;
    if (width >= least)
      kept.push_back(parameters);
    else
      narrow[width].emplace_back(format.bits_per_weight(parameters), parameters);
  }
  for (auto& [width, of_width] : narrow) {
    std::sort(of_width.begin(), of_width.end());
    kept.push_back(of_width.front().second);
    if (of_width.size() > 2) kept.push_back(of_width[of_width.size() / 2].second);
  }
  return kept;
}

}  // namespace

FormatSet::FormatSet(std::vector<std::string> names) : names_(std::move(names)) {
  LQ_CHECK(!names_.empty(), kInvalidArgument, "format: none is named");
  for (auto name = names_.begin(); name != names_.end(); ++name) {
    quant_format(*name, "format");
    LQ_CHECK(std::find(names_.begin(), name, *name) == name, kInvalidArgument,
             "format: \"{}\" is named twice", *name);
  }
}

FormatSet FormatSet::parse(std::string_view text, std::string_view who) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    names.emplace_back(text.substr(begin, end - begin));
    quant_format(names.back(), who);
    begin = end + 1;
  }
  return {std::move(names)};
}

std::string FormatSet::text() const {
  std::string text;
  for (const std::string& name : names_) text += (text.empty() ? "" : ",") + name;
  return text;
}

bool FormatSet::contains(std::string_view format) const {
  return std::find(names_.begin(), names_.end(), format) != names_.end();
}

const QuantFormat* FormatSet::unnamed() const {
  const QuantFormat* found = nullptr;
  for (const std::string& name : names_) {
    const QuantFormat& format = quant_format(name, "format");
    if (!format.unnamed()) continue;
    if (found != nullptr) return nullptr;
    found = &format;
  }
  return found;
}

std::string FormatSet::name_of(const QuantChoice& choice) const {
  const QuantFormat* const plain = unnamed();
  return plain != nullptr && plain->name() == choice.format ? choice.parameters : choice.name();
}

QuantChoice FormatSet::choice_of(std::string_view name, std::string_view who) const {
  const std::string_view first = name.substr(0, std::min(name.find_first_of(" ,"), name.size()));
  if (find_quant_format(first) != nullptr) return parse_choice(name, who);
  const QuantFormat* format = unnamed();
  if (format == nullptr && names_.size() == 1) format = find_quant_format(names_.front());
  LQ_CHECK(format != nullptr, kInvalidArgument,
           "{}: \"{}\" does not say of which format it is: put {} before it", who, name, text());
  return {std::string(format->name()), format->parse(name, who)};
}

std::vector<QuantChoice> FormatSet::choices(ChoiceSet set) const {
  int outdone = 0;  // codes of fewer bits
  for (const std::string& name : names_)
    outdone = std::max(outdone, quant_format(name, "format").outdoes_below());
  std::vector<QuantChoice> all;
  for (const std::string& name : names_) {
    const QuantFormat& format = quant_format(name, "format");
    std::vector<std::string> choices = format.choices(set);
    if (set == ChoiceSet::kLean && format.unnamed() && outdone > 0)
      choices = thinned(format, choices, outdone);
    for (std::string& parameters : choices) all.push_back({name, std::move(parameters)});
  }
  return all;
}

QuantChoice FormatSet::uniform(int bits) const {
  const QuantFormat* format = unnamed();
  if (format == nullptr && names_.size() == 1) format = find_quant_format(names_.front());
  LQ_CHECK(format != nullptr, kInvalidArgument,
           "{} bits for every matrix: of formats {} name one choice instead, such as config {}", bits, text(),
           choices(ChoiceSet::kLean).front().name());
  return {std::string(format->name()), format->uniform(bits)};
}

void FormatSet::check_options(const QuantizerOptions& options) const {
  const auto some = [&](bool (QuantFormat::*knows)() const) {
    return std::any_of(names_.begin(), names_.end(),
                       [&](const std::string& name) { return (quant_format(name, "format").*knows)(); });
  };
  LQ_CHECK(options.scales == ScaleMode::kAbsMax || some(&QuantFormat::searches_scales), kInvalidArgument,
           "scales search: format {} has scales in one way only", text());
  LQ_CHECK(options.feedback == Feedback::kOff || some(&QuantFormat::feeds_back), kInvalidArgument,
           "feedback: format {} chooses each code alone", text());
}

}  // namespace lq
