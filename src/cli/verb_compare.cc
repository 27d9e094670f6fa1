#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "compare/compare.h"
#include "compare/compare_options.h"
#include "compare/compare_table.h"

namespace lq::cli {
namespace {

void run(Session& session, const CompareOptions& o) {
  const CompareRecipe recipe = read_compare_recipe(o.recipe);
  const CompareReport report = compare(session.context(), recipe, o.out, o.overwrite);
  const CompareTable& table = report.table;
  std::string text;
  for (std::size_t i = 0; i < table.texts.size(); ++i) {
    const TextTable t = compare_text_table(table, i);
    text += fmt::format("{} (dense model, not fine-tuned: {:.3f})\n", table.texts[i],
                        table.dense.at(i).perplexity);
    text += format_table(t.header, t.rows, {0}) + "\n";
  }
  if (!table.dense_tasks.empty()) {
    const TextTable t = compare_task_table(table);
    text += format_table(t.header, t.rows, {0}) + "\n";
  }
  for (const std::string& remark : compare_remarks(table)) text += remark + "\n";
  text += fmt::format("{} of {} fine-tunings computed in {}; table.md, table.json and figure.svg are in {}\n",
                      report.computed, report.runs, human_seconds(report.seconds), o.out.string());
  session.print(text);
  nlohmann::ordered_json json = compare_table_json(table);
  json["runs"] = report.runs;
  json["computed"] = report.computed;
  json["compare_seconds"] = report.seconds;
  session.write_json(json);
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<CompareOptions>();
  auto* verb = app.add_subcommand("compare", "Fine-tune by several methods, budgets and seeds; one table");
  verb->footer("Example: lqlora compare examples/compare/quill.toml -o quill-compare");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli
