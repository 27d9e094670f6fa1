#include "cli/run_recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "base/edit_distance.h"
#include "base/printable.h"
#include "files/file_descriptor.h"
#include "files/options/option_values.h"
#include "files/toml_steps.h"

namespace lq::cli {
namespace {

constexpr std::uint64_t kRecipeLimit = 1 << 20;  // bytes

class RecipeReader {
 public:
  explicit RecipeReader(std::string path) : path_(std::move(path)) {}

  RecipeFlags flags(const std::vector<TomlSetting>& top) const {
    RecipeFlags flags;
    for (const TomlSetting& s : top) {
      const bool number = s.value.is_number_integer() && s.value >= 0;
      if (s.key == "seed" && number) {
        flags.seed = s.value.get<std::uint64_t>();
      } else if (s.key == "threads" && number && s.value <= 1024) {
        flags.threads = s.value.get<int>();
      } else if (s.key == "device" && s.value.is_string() && is_device(s.value.get<std::string>())) {
        flags.device = s.value.get<std::string>();
      } else {
        refuse(s.line,
               fmt::format("{} is not for the top of a recipe, or not of this value: seed, threads (numbers) "
                           "and device are",
                           printable(s.key)));
      }
    }
    return flags;
  }

  RecipeCommand command(const TomlStep& step) const {
    CLI::App app{"", "lqlora"};
    app.require_subcommand(1);
    RecipeCommand result{.verb = step.name, .line = step.line, .words = {step.name}, .action = {}};
    add_verbs(app, result.action);
    const auto steps = app.get_subcommands([](const CLI::App* v) { return is_step(*v); });
    const auto found = std::ranges::find(steps, step.name, [](const CLI::App* v) { return v->get_name(); });
    if (found == steps.end()) {
      std::vector<std::string> names;
      for (const CLI::App* one : steps) names.push_back(one->get_name());
      refuse(step.line, fmt::format("[{}] is no step (steps are {}){}", printable(step.name),
                                    fmt::join(names, ", "), did_you_mean(step.name, names)));
    }
    const CLI::App* const verb = *found;
    std::vector<std::string> options;
    for (const TomlSetting& s : step.settings) {
      const CLI::Option* const option = option_of(*verb, s, step);
      const bool position = option->get_lnames().empty();
      for (const std::string& word : words_of(s, *option, position))
        (position ? result.words : options).push_back(word);
    }
    result.words.insert(result.words.end(), options.begin(), options.end());
    std::vector<std::string> reversed(result.words.rbegin(), result.words.rend());
    try {
      app.parse(reversed);
    } catch (const CLI::ParseError& e) {
      refuse(step.line, fmt::format("[{}] {}", step.name, e.what()));
    } catch (const Error& e) {
      refuse(step.line, fmt::format("[{}] {}", step.name, e.what()));
    }
    return result;
  }

 private:
  static bool is_device(const std::string& text) {
    if (text == "auto") return true;
    try {
      device_from_text(text);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  [[noreturn]] void refuse(std::int64_t line, const std::string& why) const {
    fail(ErrorCode::kInvalidArgument, "{}:{}: {}", path_, line, why);
  }

  // Those that talk with a person, run recipes, or have verbs of their own are none.
  static bool is_step(const CLI::App& verb) {
    const bool alone = verb.get_subcommands([](const CLI::App*) { return true; }).empty();
    return alone && verb.get_name() != "run" && verb.get_name() != "chat";
  }

  // By the key of its description: MODEL is model, --seq-len is seq-len.
  const CLI::Option* option_of(const CLI::App& verb, const TomlSetting& s, const TomlStep& step) const {
    std::string upper = s.key;
    std::ranges::transform(upper, upper.begin(), [](char c) {
      return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    });
    std::vector<std::string> names;
    for (const CLI::Option* option : verb.get_options()) {
      if (option == verb.get_help_ptr()) continue;
      const auto& keys = option->get_lnames();
      if (keys.empty() ? option->get_name() == upper : std::ranges::find(keys, s.key) != keys.end())
        return option;
      for (const std::string& key : keys) names.push_back(key);
    }
    refuse(s.line,
           fmt::format("{} is no option of {}{}", printable(s.key), step.name, did_you_mean(s.key, names)));
  }

  std::vector<std::string> words_of(const TomlSetting& s, const CLI::Option& option, bool position) const {
    const bool is_flag = option.get_items_expected_max() == 0;
    if (is_flag) {
      if (!s.value.is_boolean()) refuse(s.line, fmt::format("{} is a switch: expected true or false", s.key));
      if (!s.value.get<bool>()) return {};
      return {fmt::format("--{}", s.key)};
    }
    std::vector<std::string> words;
    for (const nlohmann::json& one : s.value.is_array() ? s.value : nlohmann::json::array({s.value})) {
      if (one.is_boolean()) refuse(s.line, fmt::format("{} is true or false, expected a value", s.key));
      const std::string text = one.is_string()         ? one.get<std::string>()
                               : one.is_number_float() ? fmt::format("{}", one.get<double>())
                                                       : one.dump();
      if (position && text.starts_with('-'))
        refuse(s.line, fmt::format("{} begins with '-': write ./{}", s.key, text));
      words.push_back(position ? text : fmt::format("--{}={}", s.key, text));
    }
    return words;
  }

  std::string path_;
};

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-_=./,:+@%").find(c) != std::string::npos;
  });
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out.append("'");
}

}  // namespace

void describe(OptionVisitor& v, RunOptions& o) {
  v.option({.key = "recipe", .help = "TOML file of steps", .position = "RECIPE", .required = true},
           path(o.recipe));
  v.option({.key = "dry-run", .help = "Show the commands that the steps are, and do nothing"},
           flag(o.dry_run));
}

Recipe read_recipe(const std::filesystem::path& path) {
  Recipe recipe;
  recipe.path = path.string();
  const TomlSteps steps = read_toml_steps(read_file(path, kRecipeLimit), recipe.path);
  LQ_CHECK(!steps.steps.empty(), kInvalidArgument, "{}: there is no step in it, such as [quantize]",
           recipe.path);
  const RecipeReader reader(recipe.path);
  recipe.flags = reader.flags(steps.top);
  for (const TomlStep& step : steps.steps) recipe.commands.push_back(reader.command(step));
  return recipe;
}

std::string command_line(const RecipeCommand& command, const RecipeFlags& flags) {
  std::string line = "lqlora";
  if (flags.seed) line += fmt::format(" --seed {}", *flags.seed);
  if (flags.threads) line += fmt::format(" --threads {}", *flags.threads);
  if (flags.device && takes_device(command.verb)) line += " --device " + quoted(*flags.device);
  for (const std::string& word : command.words) line.append(" ").append(quoted(word));
  return line;
}

}  // namespace lq::cli
