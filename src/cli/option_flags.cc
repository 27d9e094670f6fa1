#include "cli/option_flags.h"

#include <CLI/CLI.hpp>

#include "base/byte_size.h"
#include "base/option_error.h"
#include "cli/error_text.h"

namespace lq::cli {
namespace {

// "-o,--out", "--importance,--weights", "MODEL".
std::string names_of(const OptionInfo& info) {
  if (!info.position.empty()) return info.position;
  std::string names = info.letter.empty() ? "" : "-" + info.letter + ",";
  names += "--" + info.key;
  for (const std::string& alias : info.aliases) names += ",--" + alias;
  return names;
}

std::string shown_name(const OptionInfo& info) {
  return info.position.empty() ? "--" + info.key : info.position;
}

// Values whose form is plain to see are wrong usage; what a text says is for its option to judge.
bool is_usage(OptionType type) {
  return type != OptionType::kText && type != OptionType::kPath && type != OptionType::kBytes;
}

void set_value(const OptionInfo& info, OptionValue& value, const nlohmann::json& given) {
  try {
    value.set(given);
  } catch (const Error& e) {
    if (is_usage(value.type())) throw CLI::ValidationError(shown_name(info) + " " + e.what());
    throw OptionError(info.key, e.what());
  }
}

}  // namespace

std::string value_text(const OptionValue& value) {
  const std::string range = value.expected().empty() ? "" : " (" + value.expected() + ")";
  switch (value.type()) {
    case OptionType::kFlag:
      return "";
    case OptionType::kInteger:
      return "N" + range;
    case OptionType::kNumber:
      return "X" + (value.expected() == "a number" ? "" : range);
    case OptionType::kPath:
      return "PATH";
    case OptionType::kBytes:
      return "SIZE";
    case OptionType::kName:
      return fmt::format("{{{}}}", CLI::detail::join(value.names(), ","));
    case OptionType::kText:
      return "TEXT";
  }
  return "";
}

std::string default_text(const OptionInfo& info, const OptionValue& value) {
  if (info.open || info.required || value.type() == OptionType::kFlag) return "";
  const nlohmann::json now = value.get();
  if (now.is_null() || (now.is_array() && now.empty())) return "";
  if (value.type() == OptionType::kBytes && now.is_number()) return byte_size_text(now.get<std::int64_t>());
  if (now.is_number_float()) return fmt::format("{}", now.get<double>());
  return now.is_string() ? now.get<std::string>() : now.dump();
}

void OptionFlags::option(const OptionInfo& info, std::unique_ptr<OptionValue> value) {
  const std::string help = option_text(info.help);
  const std::shared_ptr<OptionValue> shared = std::move(value);
  CLI::Option* added = nullptr;
  if (shared->type() == OptionType::kFlag) {
    added = verb_.add_flag_callback(
        names_of(info),
        [&given = given_, info, shared] {
          set_value(info, *shared, true);
          given.add(info.key);
        },
        help);
  } else {
    const auto parse = [&given = given_, info, shared](const CLI::results_t& words) {
      nlohmann::json all = nlohmann::json::array();
      for (const std::string& word : words) all.push_back(word);
      set_value(info, *shared, shared->list() ? all : all.at(0));
      given.add(info.key);
      return true;
    };
    added = verb_.add_option(names_of(info), parse, help);
    added->type_name(value_text(*shared))->default_str(default_text(info, *shared));
    if (shared->list())
      added->type_size(1)->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
    if (shared->commas()) added->delimiter(',');
  }
  if (info.required) added->required();
  if (!info.group.empty()) added->group(info.group);
  flags_[info.key] = added;
  excludes_[info.key] = info.excludes;
}

void OptionFlags::finish() {
  for (const auto& [key, others] : excludes_) {
    for (const std::string& other : others) flags_.at(key)->excludes(flags_.at(other));
  }
}

std::shared_ptr<const GivenOptions> add_options(CLI::App& verb,
                                                const std::function<void(OptionVisitor&)>& describe) {
  auto given = std::make_shared<GivenOptions>();
  OptionFlags flags(verb, *given);
  describe(flags);
  flags.finish();
  return given;
}

}  // namespace lq::cli
