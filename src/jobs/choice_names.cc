#include "jobs/choice_names.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "allocate/choice_name.h"
#include "base/error.h"
#include "base/option_error.h"

namespace lq {
namespace {

QuantChoice checked_choice(const std::string& name, const FormatSet& formats, const std::string& who) {
  try {
    return formats.choice_of(name, who);
  } catch (const Error& e) {
    throw Error(ErrorCode::kCorruptFile, e.what());
  }
}

}  // namespace

ErrorTable read_choice_table(const std::filesystem::path& path, const FormatSet& formats) {
  ErrorTable table = read_error_table(path);
  check_choice_names(table, formats, path.string());
  // Tables of earlier builds leave out the one format that they are of.
  for (std::string& name : table.configs) name = table_name(formats.choice_of(name, path.string()), formats);
  return table;
}

void check_choice_names(const ErrorTable& table, const FormatSet& formats, std::string_view who) {
  for (std::size_t c = 0; c < table.configs.size(); ++c)
    checked_choice(table.configs[c], formats, fmt::format("{}: configs[{}]", who, c));
}

Allocation read_choice_allocation(const std::filesystem::path& path, const FormatSet& formats) {
  Allocation allocation = read_allocation(path);
  for (const AllocatedMatrix& m : allocation.choices)
    checked_choice(m.choice, formats, fmt::format("{}: choices[\"{}\"]", path.string(), m.name));
  return allocation;
}

FormatSet formats_of(const std::vector<std::string>& names) {
  std::vector<std::string> formats;
  for (const std::string& name : names) {
    const std::string first = name.substr(0, name.find(' '));
    const std::string format = find_quant_format(first) != nullptr ? first : "nf";
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
  }
  return formats.empty() ? FormatSet() : FormatSet(formats);
}

std::string table_name(const QuantChoice& choice, const FormatSet& formats) {
  return choice.format == "nf" ? formats.name_of(choice) : choice.name();
}

std::string pinned_name(std::string_view text, const FormatSet& formats, std::string_view who) {
  constexpr std::string_view kWidth = "nf";
  const std::string_view digits = text.substr(std::min(text.size(), kWidth.size()));
  const bool width = text.starts_with(kWidth) && !digits.empty() &&
                     digits.find_first_not_of("0123456789") == std::string_view::npos;
  return table_name(formats.choice_of(width ? digits : text, who), formats);
}

std::vector<QuantChoice> parse_choices(const std::vector<std::string>& texts, const FormatSet& formats) {
  std::vector<QuantChoice> choices;
  for (const std::string& text : texts) {
    if (text == "all" || text == "lean") {
      check_option(texts.size() == 1, "configs", "{} stands alone, without other configurations", text);
      return formats.choices(text == "all" ? ChoiceSet::kAll : ChoiceSet::kLean);
    }
    const QuantChoice choice = formats.choice_of(text, "`configs`");
    check_option(formats.contains(choice.format), "configs", "{} is of format {}, but the formats are {}",
                 text, choice.format, formats.text());
    if (std::find(choices.begin(), choices.end(), choice) == choices.end()) choices.push_back(choice);
  }
  return choices;
}

nlohmann::json choice_to_json(const QuantChoice& choice, const FormatSet& formats) {
  return choice_name_to_json(formats.name_of(choice));
}

nlohmann::json choices_to_json(const std::vector<QuantChoice>& choices, const FormatSet& formats) {
  nlohmann::json all = nlohmann::json::array();
  for (const QuantChoice& choice : choices) all.push_back(choice_to_json(choice, formats));
  return all;
}

}  // namespace lq
