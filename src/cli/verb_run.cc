#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/run_recipe.h"

namespace lq::cli {
namespace {

// What the command line says goes before what the recipe says.
struct GivenFlags {
  bool seed = false, threads = false, device = false;
};

GlobalFlags flags_of(GlobalFlags flags, const GivenFlags& given, const RecipeFlags& recipe,
                     const std::string& verb) {
  flags.verb = verb;
  if (recipe.seed && !given.seed) flags.seed = *recipe.seed;
  if (recipe.threads && !given.threads) flags.threads = *recipe.threads;
  if (recipe.device && !given.device) flags.device = *recipe.device;
  if (!takes_device(verb)) flags.device = "auto";  // the device is of the steps that take one
  return flags;
}

void run(Session& session, const RunOptions& o, const GivenFlags& given) {
  const Recipe recipe = read_recipe(o.recipe);
  // What this command line itself names goes before the recipe's.
  RecipeFlags flags = recipe.flags;
  if (given.seed) flags.seed = session.flags().seed;
  if (given.threads) flags.threads = session.flags().threads;
  if (given.device) flags.device = session.flags().device;
  if (o.dry_run) {
    for (const RecipeCommand& command : recipe.commands) session.print(command_line(command, flags) + "\n");
    return;
  }
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  std::size_t number = 0;
  for (const RecipeCommand& command : recipe.commands) {
    session.note(fmt::format("run: step {} of {}: {}", ++number, recipe.commands.size(),
                             command_line(command, flags)));
    nlohmann::ordered_json& result = results.emplace_back();
    result = {{"verb", command.verb}, {"line", command.line}};
    Session step(flags_of(session.flags(), given, recipe.flags, command.verb), session.stop());
    step.collect_json([&result](const nlohmann::ordered_json& json) { result["result"] = json; });
    try {
      command.action(step);
    } catch (const Error& e) {
      throw Error(e.code(), fmt::format("{}:{}: [{}] {}", recipe.path, command.line, command.verb, e.what()));
    }
  }
  session.write_json(results);
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<RunOptions>();
  auto* verb = app.add_subcommand("run", "The steps of a recipe, one after another");
  verb->footer("Example: lqlora run examples/recipes/quill.toml");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  const auto is_given = [&app](const char* name) {
    const CLI::Option* option = app.get_option_no_throw(name);
    return option != nullptr && option->count() > 0;
  };
  verb->callback([options, given, is_given, &action] {
    const GivenFlags flags{is_given("--seed"), is_given("--threads"), is_given("--device")};
    action = [options, flags](Session& session) { run(session, *options, flags); };
  });
}

}  // namespace lq::cli
