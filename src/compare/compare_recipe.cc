#include "compare/compare_recipe.h"

#include <set>

#include "base/option_error.h"
#include "compare/recipe_options.h"
#include "compare/recipe_values.h"
#include "eval/task.h"
#include "eval/tasks/glue.h"
#include "files/file_descriptor.h"
#include "jobs/options/plan_options.h"
#include "train/finetune_options.h"

namespace lq {
namespace {

constexpr std::uint64_t kRecipeLimit = 1'000'000;  // bytes

void read_methods(RecipeValues& values, CompareRecipe& recipe) {
  values.require("methods", "the methods to compare, such as [\"lora\", \"qlora\", \"ours\"]");
  const std::vector<std::string> names = *values.file().texts("methods");
  for (const std::string& name : names) {
    std::string known;
    bool found = false;
    for (const CompareMethod method : all_compare_methods()) {
      known += (known.empty() ? "" : ", ") + std::string(compare_method_name(method));
      if (compare_method_name(method) != name) continue;
      recipe.methods.push_back(method);
      found = true;
    }
    if (!found)
      values.file().refuse("methods", fmt::format("holds \"{}\", expected some of {}", name, known));
  }
  values.check_list("methods", recipe.methods);
}

void read_grid(RecipeValues& values, CompareRecipe& recipe) {
  TomlFile& file = values.file();
  values.require("model", "a dense Hugging Face directory");
  values.path("model", recipe.model);
  read_methods(values, recipe);
  if (auto bits = file.numbers("bits")) recipe.bits = *bits;
  bool packed = false;
  for (const CompareMethod method : recipe.methods) packed |= has_packed_base(method);
  if (packed) values.require("bits", "the budgets, such as [2.5, 3.0]");
  if (file.has("bits")) values.check_list("bits", recipe.bits);
  for (const double bits : recipe.bits) {
    if (bits <= 0 || bits > 16)
      file.refuse("bits", fmt::format("holds {}, expected above 0 and at most 16", bits));
  }
  if (const auto seeds = file.integers("seeds")) {
    values.check_list("seeds", *seeds);
    recipe.seeds.clear();
    for (const std::int64_t seed : *seeds) {
      if (seed < 0) file.refuse("seeds", fmt::format("holds {}, expected 0 or more", seed));
      recipe.seeds.push_back(static_cast<std::uint64_t>(seed));
    }
  }
  values.integer("rank", recipe.rank, 1, 1 << 20);
  RecipeOptions selection(values, "");
  describe(selection, recipe.selection);
  if (const auto configs = file.texts("configs"))
    values.guard("configs", [&] { recipe.configs = parse_choices(*configs, FormatSet()); });
}

void read_glue_tasks(RecipeValues& values, CompareRecipe& recipe) {
  TomlFile& file = values.file();
  values.require("tasks", "the tasks of GLUE, such as [\"rte\", \"sst2\"]");
  const std::vector<std::string> names = *file.texts("tasks");
  for (const std::string& name : names) {
    std::string known;
    values.guard("tasks", [&] { known = find_glue_task(name).name; });
    recipe.glue_tasks.push_back(known);
  }
  values.check_list("tasks", recipe.glue_tasks);
  const std::string loss = file.text("calibrate.loss").value_or("text");
  if (loss != "text" && loss != "task")
    file.refuse("calibrate.loss", fmt::format("is \"{}\", expected text or task", loss));
  recipe.task_loss = loss == "task";
  for (const char* key : {"calibrate.data", "calibrate.self", "calibrate.stats"}) {
    if (recipe.task_loss && file.has(key))
      file.refuse(key, "and calibrate.loss = \"task\" exclude each other: the text is the task's");
  }
}

void read_calibration(RecipeValues& values, CompareRecipe& recipe) {
  RecipeOptions options(values, "calibrate");
  describe(options, recipe.calibration);
  options.finish();
  for (const CompareMethod method : recipe.methods) {
    if (needs_statistics(method) && !recipe.has_statistics()) {
      values.file().refuse("methods", fmt::format("holds \"{}\", which needs statistics: name a text as data "
                                                  "in [calibrate]",
                                                  compare_method_name(method)));
    }
  }
}

// [finetune]: the options of finetune. The learning rates are read by themselves, and what a run starts from
// is the method's.
void read_finetune(RecipeValues& values, CompareRecipe& recipe) {
  TomlFile& file = values.file();
  FinetuneOptions& o = recipe.finetune;
  o = finetune_defaults();
  for (const char* key : {"finetune.init", "finetune.freeze-lora", "finetune.adapter"}) {
    if (file.has(key)) file.refuse(key, "is not for a recipe: what a run starts from is the method's");
  }
  if (file.has("finetune.rank")) file.refuse("finetune.rank", "belongs to the top, as rank, for all methods");
  values.require("finetune.data", "the examples to fine-tune on");
  std::set<std::string> skipped = {"model", "out",  "lr",     "init",      "freeze-lora", "adapter",
                                   "rank",  "full", "resume", "overwrite", "task",        "reference"};
  if (recipe.glue_tasks.empty()) skipped.insert("task-examples");
  RecipeOptions options(values, "finetune", skipped);
  describe(options, o);
  options.finish();
  if (o.data.train.empty()) file.refuse("finetune.data", "is empty");
  for (DataSource& s : o.data.train) s.path = values.existing("finetune.data", s.path.string());
  for (DataSource& s : o.data.validation) s.path = values.existing("finetune.val-data", s.path.string());
  if (o.lora.rslora && o.lora.alpha == 0)
    file.refuse("finetune.rslora", "needs finetune.alpha, so that every method has the same scaling");
}

// One learning rate or several; leaves `rates` as they are where the key is not there.
void read_rate_list(RecipeValues& values, std::string_view key, std::vector<double>& rates) {
  const auto given = values.file().numbers(key);
  if (!given) return;
  values.check_list(key, *given);
  for (const double rate : *given) {
    if (rate <= 0) values.file().refuse(key, "is not a number above 0");
  }
  rates = *given;
}

void read_learning_rate(RecipeValues& values, CompareRecipe& recipe) {
  TrainOptions& t = recipe.finetune.train;
  read_rate_list(values, "finetune.lr", recipe.rates);
  if (recipe.rates.empty()) recipe.rates = {t.lr};
  t.lr = recipe.rates.front();
  try {
    check_train_options(t);
  } catch (const OptionError& e) {
    values.file().refuse("finetune." + e.option(), std::string(e.problem()));
  }
}

void read_rates(RecipeValues& values, CompareRecipe& recipe) {
  for (const CompareMethod method : all_compare_methods()) {
    const std::string key = "lr." + std::string(compare_method_name(method));
    std::vector<double> rates;
    read_rate_list(values, key, rates);
    if (!rates.empty()) recipe.own_rates[method] = std::move(rates);
  }
  if (!recipe.glue_tasks.empty()) return;  // each has validation examples
  const TrainingDataOptions& data = recipe.finetune.data;
  if (!data.validation.empty() || data.examples.validation > 0) return;
  const TrainOptions& t = recipe.finetune.train;
  const std::pair<const char*, bool> given[] = {{"finetune.early-stop", t.early_stop > 0},
                                                {"finetune.eval-every", t.eval_every > 0},
                                                {"finetune.final", t.end_with_best.value_or(false)}};
  for (const auto& [key, is] : given) {
    if (is)
      values.file().refuse(key,
                           "needs examples to validate on: give finetune.val-share or finetune.val-data");
  }
  for (const CompareMethod method : recipe.methods) {
    if (recipe.rates_of(method).size() < 2) continue;
    const std::string own = "lr." + std::string(compare_method_name(method));
    values.file().refuse(
        values.file().has(own) ? own : "finetune.lr",
        "is a list, of which validation picks one: give finetune.val-share or finetune.val-data");
  }
}

void read_texts(RecipeValues& values, CompareRecipe& recipe) {
  values.require("eval.data", "the texts to measure perplexity on");
  recipe.texts = values.existing_list("eval.data");
  values.check_list("eval.data", recipe.texts);
  RecipeOptions options(values, "eval");
  describe(options, recipe.text);
}

void read_tasks(RecipeValues& values, CompareRecipe& recipe) {
  TomlFile& file = values.file();
  if (const auto names = file.texts("eval.tasks")) {
    values.check_list("eval.tasks", *names);
    for (const std::string& name : *names) {
      if (name.starts_with("perplexity") || name == "vicuna" || name.ends_with(".toml")) {
        values.file().refuse("eval.tasks",
                             fmt::format("holds \"{}\": benchmarks by their names are columns here; the "
                                         "perplexity of eval.data is one without asking, and task "
                                         "files and vicuna are for `lqlora eval`",
                                         name));
      }
      values.guard("eval.tasks", [&] { (void)quoted_metric(find_task(name)); });
    }
    recipe.tasks = *names;
    values.require("eval.tasks-data", "the folder with a folder for each task");
    recipe.tasks_data = values.existing("eval.tasks-data", file.text("eval.tasks-data").value());
  }
  for (const char* key : {"eval.tasks-data", "eval.limit", "eval.num-fewshot"}) {
    if (file.has(key) && recipe.tasks.empty()) file.refuse(key, "is of eval.tasks, and there are none");
  }
  values.integer("eval.limit", recipe.limit, 0);
  if (!file.has("eval.num-fewshot")) return;
  std::int64_t shots = 0;
  values.integer("eval.num-fewshot", shots, 0, 1000);
  recipe.shots = shots;
}

// [finetune] without what changes no result, and without what a cell's job has by itself: paths by the hash
// of what lies there, and the learning rate.
void read_settings(const TomlFile& file, CompareRecipe& recipe) {
  class Unchanging final : public OptionVisitor {
   public:
    explicit Unchanging(CompareRecipe& recipe) : recipe_(recipe) {}
    void option(const OptionInfo& info, std::unique_ptr<OptionValue>) override {
      if (!info.changes_result) recipe_.finetune_settings.erase(info.key);
      if (info.key == "full") recipe_.adapter_settings = info.excludes;
    }

   private:
    CompareRecipe& recipe_;
  };
  recipe.finetune_settings = file.table("finetune");
  Unchanging visitor(recipe);
  FinetuneOptions options = recipe.finetune;
  describe(visitor, options);
  for (const char* key : {"data", "val-data", "lr"}) recipe.finetune_settings.erase(key);
}

CompareRecipe parse_recipe(std::string_view text, const std::filesystem::path& path, bool glue) {
  CompareRecipe recipe;
  recipe.file = path;
  TomlFile file(text, path.string());
  RecipeValues values(file, std::filesystem::absolute(path).parent_path());
  read_grid(values, recipe);
  if (glue) read_glue_tasks(values, recipe);
  read_calibration(values, recipe);
  read_finetune(values, recipe);
  read_learning_rate(values, recipe);
  read_rates(values, recipe);
  if (!glue) {
    read_texts(values, recipe);
    read_tasks(values, recipe);
  }
  file.refuse_unknown();
  read_settings(file, recipe);
  return recipe;
}

}  // namespace

CompareRecipe parse_compare_recipe(std::string_view text, const std::filesystem::path& path) {
  return parse_recipe(text, path, false);
}

CompareRecipe parse_glue_recipe(std::string_view text, const std::filesystem::path& path) {
  return parse_recipe(text, path, true);
}

CompareRecipe read_compare_recipe(const std::filesystem::path& file) {
  return parse_compare_recipe(read_file(file, kRecipeLimit), file);
}

CompareRecipe read_glue_recipe(const std::filesystem::path& file) {
  return parse_glue_recipe(read_file(file, kRecipeLimit), file);
}

std::vector<QuantChoice> CompareRecipe::choices_of(const FormatSet& formats) const {
  if (configs.empty()) return formats.choices(ChoiceSet::kLean);
  std::vector<QuantChoice> choices;
  for (const QuantChoice& c : configs)
    choices.push_back(formats.contains(c.format) ? c : QuantChoice{formats.names().front(), c.parameters});
  return choices;
}

std::vector<std::filesystem::path> CompareRecipe::inputs() const {
  std::vector<std::filesystem::path> all = {file, model};
  for (const std::filesystem::path& path : {calibration.data, calibration.stats, tasks_data}) {
    if (!path.empty()) all.push_back(path);
  }
  for (const auto* list : {&finetune.data.train, &finetune.data.validation}) {
    for (const DataSource& source : *list) all.push_back(source.path);
  }
  all.insert(all.end(), texts.begin(), texts.end());
  return all;
}

}  // namespace lq
