#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "compare/compare_options.h"
#include "compare/glue.h"

namespace lq::cli {
namespace {

void run_glue(Session& session, const CompareOptions& o) {
  const CompareRecipe recipe = read_glue_recipe(o.recipe);
  const GlueReport report = glue(session.context(), recipe, o.out, o.overwrite);
  const TextTable table = glue_text_table(report.table);
  std::string text = format_table(table.header, table.rows, {0}) + "\n";
  for (const std::string& remark : glue_remarks(report.table)) text += remark + "\n";
  text += fmt::format("{} of {} fine-tunings computed in {}; table.md, table.json and figure.svg are in {}\n",
                      report.computed, report.runs, human_seconds(report.seconds), o.out.string());
  session.print(text);
  nlohmann::ordered_json json = glue_table_json(report.table);
  json["runs"] = report.runs;
  json["computed"] = report.computed;
  json["glue_seconds"] = report.seconds;
  session.write_json(json);
}

}  // namespace

void add_glue(CLI::App& app, Action& action) {
  auto options = std::make_shared<CompareOptions>();
  auto* verb = app.add_subcommand("glue", "Tasks of GLUE by several methods, budgets and seeds; one table");
  verb->footer("Example: lqlora glue examples/glue/minilm.toml -o glue-minilm");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run_glue(session, *options); }; });
}

}  // namespace lq::cli
