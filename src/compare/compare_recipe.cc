#include "compare/compare_recipe.h"

#include <cmath>

#include "base/option_error.h"
#include "compare/recipe_values.h"
#include "files/file_descriptor.h"

namespace lq {
namespace {

constexpr std::uint64_t kRecipeLimit = 1'000'000;  // bytes
constexpr std::int64_t kMost = 1 << 24;

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
  if (auto include = file.texts("include")) recipe.selection.include = *include;
  if (auto exclude = file.texts("exclude")) recipe.selection.exclude = *exclude;
  if (const auto configs = file.texts("configs"))
    values.guard("configs", [&] { recipe.configs = parse_choices(*configs, FormatSet()); });
}

void read_calibration(RecipeValues& values, CompareRecipe& recipe) {
  CalibrationSource& source = recipe.calibration;
  values.path("calibrate.data", source.data);
  values.path("calibrate.stats", source.stats);
  values.text("calibrate.field", source.field);
  values.integer("calibrate.samples", source.samples, 1, 1 << 30);
  values.integer("calibrate.seq-len", source.seq_len, 2, kMost);
  if (!source.data.empty() && !source.stats.empty())
    values.file().refuse("calibrate.stats", "and calibrate.data exclude each other");
  for (const CompareMethod method : recipe.methods) {
    if (needs_statistics(method) && !recipe.has_statistics()) {
      values.file().refuse("methods", fmt::format("holds \"{}\", which needs statistics: name a text as data "
                                                  "in [calibrate]",
                                                  compare_method_name(method)));
    }
  }
}

void read_data(RecipeValues& values, CompareRecipe& recipe) {
  TomlFile& file = values.file();
  TrainingDataOptions& data = recipe.finetune.data;
  const auto sources = [&](std::string_view key, std::vector<DataSource>& all) {
    for (const std::string& text : file.texts(key).value_or(std::vector<std::string>())) {
      DataSource source;
      values.guard(key, [&] { source = parse_source(text); });
      source.path = values.existing(key, source.path.string());
      all.push_back(source);
    }
  };
  values.require("finetune.data", "the examples to fine-tune on");
  sources("finetune.data", data.train);
  if (data.train.empty()) file.refuse("finetune.data", "is empty");
  sources("finetune.val-data", data.validation);
  values.number("finetune.val-share", data.examples.validation);
  if (data.examples.validation < 0 || data.examples.validation > 0.999)
    file.refuse("finetune.val-share", "is out of range, expected 0 to 0.999");
  data.examples.max_length = 512;
  values.integer("finetune.seq-len", data.examples.max_length, 2, kMost);
  values.flag("finetune.drop-long", data.examples.drop_long);
  values.flag("finetune.skip-bad", data.examples.records.skip_bad);
  values.text("finetune.chat-template", data.chat_template);
  for (const std::string& pair : file.texts("finetune.fields").value_or(std::vector<std::string>())) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      file.refuse("finetune.fields", "expects FIELD=NAME, such as \"prompt=question\"");
    data.examples.format.fields[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  std::string train_on = "responses";
  values.word("finetune.train-on", train_on, {"responses", "all"});
  data.examples.encode.train_on_all = train_on == "all";
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

void read_training(RecipeValues& values, CompareRecipe& recipe) {
  TomlFile& file = values.file();
  FinetuneOptions& o = recipe.finetune;
  TrainOptions& t = o.train;
  t.batch.rows = 4;
  std::string batching = "packed", schedule = "cosine", optimizer = "adamw", final_weights,
              recompute = "auto", precision = "int16";
  bool no_shuffle = false;
  values.word("finetune.batching", batching, {"packed", "grouped", "plain"});
  t.batch.batching = batching == "packed"    ? Batching::kPacked
                     : batching == "grouped" ? Batching::kGrouped
                                             : Batching::kPlain;
  values.flag("finetune.no-shuffle", no_shuffle);
  t.batch.shuffle = !no_shuffle;
  values.integer("finetune.batch-size", t.batch.rows, 1, 1 << 20);
  values.integer("finetune.grad-accum", t.accumulate, 1, 1 << 20);
  values.integer("finetune.max-steps", t.max_steps, 1);
  values.number("finetune.epochs", t.epochs);
  if (file.has("finetune.max-steps") && file.has("finetune.epochs"))
    file.refuse("finetune.epochs", "and finetune.max-steps exclude each other");
  read_rate_list(values, "finetune.lr", recipe.rates);
  if (recipe.rates.empty()) recipe.rates = {t.lr};
  t.lr = recipe.rates.front();
  values.word("finetune.schedule", schedule, {"cosine", "linear", "constant"});
  t.schedule = parse_schedule(schedule);
  values.number("finetune.warmup", t.warmup);
  values.word("finetune.optimizer", optimizer, {"adamw", "adamw8bit"});
  t.adam.eight_bit = optimizer == "adamw8bit";
  values.number("finetune.beta1", t.adam.beta1);
  values.number("finetune.beta2", t.adam.beta2);
  values.number("finetune.eps", t.adam.eps);
  values.number("finetune.weight-decay", t.weight_decay);
  values.number("finetune.clip", t.clip);
  values.integer("finetune.eval-every", t.eval_every, 0);
  values.integer("finetune.early-stop", t.early_stop, 0);
  values.word("finetune.final", final_weights, {"last", "best"});
  t.end_with_best = final_weights.empty() ? t.early_stop > 0 : final_weights == "best";
  values.integer("finetune.save-every", t.save_every, 0);
  values.integer("finetune.keep", t.keep, 1, 1000);
  values.word("finetune.recompute", recompute, {"auto", "always", "never"});
  values.word("finetune.matmul-precision", precision, {"int16", "f32"});
  t.precision = parse_matmul_precision(precision);
  o.choose_activations = recompute == "auto";
  t.activations = recompute == "always" ? Keep::kBlocks : Keep::kActivations;
  try {
    check_train_options(t);
  } catch (const OptionError& e) {
    file.refuse("finetune." + e.option(), std::string(e.problem()));
  }
}

void read_lora(RecipeValues& values, CompareRecipe& recipe) {
  TomlFile& file = values.file();
  FinetuneOptions& o = recipe.finetune;
  values.number("finetune.alpha", o.lora.alpha);
  if (file.has("finetune.alpha") && o.lora.alpha <= 0)
    file.refuse("finetune.alpha", "is not a number above 0");
  values.flag("finetune.rslora", o.lora.rslora);
  if (o.lora.rslora && o.lora.alpha == 0)
    file.refuse("finetune.rslora", "needs finetune.alpha, so that every method has the same scaling");
  if (auto target = file.texts("finetune.target")) o.lora.targets = *target;
  for (const std::string& what : file.texts("finetune.train").value_or(std::vector<std::string>())) {
    if (what != "norms" && what != "head" && what != "embeddings")
      file.refuse("finetune.train", fmt::format("holds \"{}\", expected norms, head or embeddings", what));
    o.lora.whole.push_back(what);
  }
  values.number("finetune.dropout", o.train.dropout);
  if (o.train.dropout < 0 || o.train.dropout >= 1)
    file.refuse("finetune.dropout", "is out of range, expected 0 or more and less than 1");
  values.number("finetune.lora-plus", o.train.lora_plus);
  if (o.train.lora_plus <= 0) file.refuse("finetune.lora-plus", "is not a number above 0");
  std::string compress;
  values.word("finetune.compress-adapter", compress, {"nf8"});
  o.compress = compress == "nf8";
  for (const char* key : {"finetune.init", "finetune.adapter"}) {
    if (file.has(key)) file.refuse(key, "is not for a recipe: what a run starts from is the method's");
  }
  if (file.has("finetune.rank")) file.refuse("finetune.rank", "belongs to the top, as rank, for all methods");
}

void read_rates(RecipeValues& values, CompareRecipe& recipe) {
  for (const CompareMethod method : all_compare_methods()) {
    const std::string key = "lr." + std::string(compare_method_name(method));
    std::vector<double> rates;
    read_rate_list(values, key, rates);
    if (!rates.empty()) recipe.own_rates[method] = std::move(rates);
  }
  const TrainingDataOptions& data = recipe.finetune.data;
  if (!data.validation.empty() || data.examples.validation > 0) return;
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
  values.text("eval.field", recipe.text_field);
  values.integer("eval.seq-len", recipe.text_seq_len, 2, kMost);
}

nlohmann::json settings_of(const TomlFile& file) {
  nlohmann::json settings = file.table("finetune");
  for (const char* key : {"data", "val-data", "save-every", "keep", "recompute", "lr"}) settings.erase(key);
  return settings;
}

}  // namespace

CompareRecipe parse_compare_recipe(std::string_view text, const std::filesystem::path& path) {
  CompareRecipe recipe;
  recipe.file = path;
  TomlFile file(text, path.string());
  RecipeValues values(file, std::filesystem::absolute(path).parent_path());
  read_grid(values, recipe);
  read_calibration(values, recipe);
  read_data(values, recipe);
  read_lora(values, recipe);
  read_training(values, recipe);
  read_rates(values, recipe);
  read_texts(values, recipe);
  file.refuse_unknown();
  recipe.finetune_settings = settings_of(file);
  return recipe;
}

CompareRecipe read_compare_recipe(const std::filesystem::path& file) {
  return parse_compare_recipe(read_file(file, kRecipeLimit), file);
}

std::vector<QuantChoice> CompareRecipe::choices_of(const FormatSet& formats) const {
  if (configs.empty()) return formats.choices(ChoiceSet::kLean);
  std::vector<QuantChoice> choices;
  for (const QuantChoice& c : configs) choices.push_back({formats.names().front(), c.parameters});
  return choices;
}

}  // namespace lq
