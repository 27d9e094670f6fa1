#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "cli/app.h"
#include "cli/table.h"
#include "compare/compare.h"
#include "compare/compare_table.h"

namespace lq::cli {
namespace {

struct CompareFlags {
  std::filesystem::path recipe, out;
  bool overwrite = false;
};

void run(Session& session, const CompareFlags& flags) {
  const CompareRecipe recipe = read_compare_recipe(flags.recipe);
  const CompareReport report = compare(session.context(), recipe, flags.out, flags.overwrite);
  const CompareTable& table = report.table;
  std::string text;
  for (std::size_t i = 0; i < table.texts.size(); ++i) {
    const TextTable t = compare_text_table(table, i);
    text += fmt::format("{} (dense model, not fine-tuned: {:.3f})\n", table.texts[i],
                        table.dense.at(i).perplexity);
    text += format_table(t.header, t.rows, {0}) + "\n";
  }
  for (const std::string& remark : compare_remarks(table)) text += remark + "\n";
  text += fmt::format("{} of {} fine-tunings computed in {}; table.md, table.json and figure.svg are in {}\n",
                      report.computed, report.runs, human_seconds(report.seconds), flags.out.string());
  session.print(text);
  nlohmann::ordered_json json = compare_table_json(table);
  json["runs"] = report.runs;
  json["computed"] = report.computed;
  json["compare_seconds"] = report.seconds;
  session.write_json(json);
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto flags = std::make_shared<CompareFlags>();
  auto* verb = app.add_subcommand("compare", "Fine-tune by several methods, budgets and seeds; one table");
  verb->footer("Example: lqlora compare examples/compare/quill.toml -o quill-compare");
  verb->add_option("RECIPE", flags->recipe, "TOML file: model, texts, methods, bits, seeds, finetune's flags")
      ->required();
  verb->add_option("-o,--out", flags->out, "Directory for table, figure, models and adapters")->required();
  verb->add_flag("--overwrite", flags->overwrite, "Make again what another recipe made in the directory");
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli
