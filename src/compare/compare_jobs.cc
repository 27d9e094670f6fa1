#include "compare/compare_jobs.h"

#include "base/hash.h"
#include "base/version.h"
#include "eval/run_tasks.h"
#include "eval/tasks/glue_files.h"
#include "files/content_hash.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json sources_job(const std::vector<DataSource>& sources) {
  Json all = Json::array();
  for (const DataSource& s : sources) all.push_back({{"hash", content_hash(s.path)}, {"weight", s.weight}});
  return all;
}

Json configs_job(const CompareRecipe& recipe) {
  Json all = Json::array();
  for (const QuantChoice& c : recipe.choices_of(FormatSet())) all.push_back(choice_to_json(c, FormatSet()));
  return all;
}

// A task's files by their hashes.
Json task_job(const CompareRecipe& recipe) {
  const GlueTask& task = find_glue_task(recipe.task);
  const GlueTask& learnt = task.learnt_from.empty() ? task : find_glue_task(task.learnt_from);
  const fs::path& folder = recipe.finetune.data.train.front().path;
  Json job = {{"task", recipe.task}};
  job["train"] = content_hash(read_glue_split(learnt, folder, Split::kTrain, 1).file);
  const auto& held_out = recipe.finetune.data.validation;
  const fs::path& validation = held_out.empty() ? folder : held_out.front().path;
  job["validation"] = content_hash(read_glue_split(task, validation, Split::kValidation, 1).file);
  return job;
}

Json hashes_of(const std::vector<TaskFile>& files) {
  Json hashes = Json::array();
  for (const TaskFile& file : files) {
    hashes.push_back(content_hash(file.path));
    if (const fs::path labels = task_labels(file.path); !labels.empty())
      hashes.push_back(content_hash(labels));
  }
  return hashes;
}

// A benchmark's documents, and the examples before them.
Json benchmark_job(const CompareRecipe& recipe, const Task& task) {
  const auto files = [&](Split split) {
    return hashes_of(task_files(recipe.tasks_data, task.folder, split, task.file_per_group));
  };
  Json job = {{"files", files(task.split)}, {"limit", recipe.limit}};
  if (recipe.shots) job["shots"] = *recipe.shots;
  if (recipe.shots.value_or(task.shots) > 0) job["examples"] = files(task.shots_from);
  return job;
}

// The texts and benchmarks that models are scored on.
Json scores_job(const CompareRecipe& recipe, const std::vector<std::string>& texts) {
  Json hashes = Json::array();
  for (const std::string& text : texts) hashes.push_back(hash_hex(text));
  Json job = {{"hashes", hashes}, {"seq_len", recipe.text.seq_len}};
  for (const std::string& name : recipe.tasks) job["tasks"][name] = benchmark_job(recipe, find_task(name));
  return job;
}

Json data_job(const CompareRecipe& recipe) {
  if (!recipe.task.empty()) return {{"task", task_job(recipe)}, {"flags", recipe.finetune_settings}};
  return {{"data", sources_job(recipe.finetune.data.train)},
          {"val_data", sources_job(recipe.finetune.data.validation)},
          {"flags", recipe.finetune_settings}};
}

}  // namespace

CompareJobs::CompareJobs(const CompareRecipe& recipe, const std::string& model_hash,
                         const std::string& config_hash, const std::vector<std::string>& texts,
                         std::uint64_t seed)
    : recipe_(recipe),
      seed_(seed),
      common_({{"version", kVersion},
               {"model", model_hash},
               {"config_hash", config_hash},
               {"include", recipe.selection.include},
               {"exclude", recipe.selection.exclude}}),
      text_job_(scores_job(recipe, texts)),
      data_job_(data_job(recipe)) {}

Json CompareJobs::dense() const { return {{"common", common_}, {"texts", text_job_}}; }

Json CompareJobs::statistics() const {
  const CalibrationSource& c = recipe_.calibration;
  if (!c.stats.empty()) return {{"stats", content_hash(c.stats)}};
  if (recipe_.task_loss) {
    const Json& task = data_job_["task"];
    return {{"common", common_},    {"task", task["task"]}, {"train", task["train"]},
            {"samples", c.samples}, {"seq_len", c.seq_len}, {"seed", seed_}};
  }
  if (c.self > 0) {
    return {{"common", common_}, {"self", c.self}, {"seq_len", c.seq_len}, {"seed", seed_}};
  }
  return {{"common", common_},
          {"data", content_hash(c.data)},
          {"field", c.field},
          {"samples", c.samples},
          {"seq_len", c.seq_len}};
}

Json CompareJobs::table(ImportanceKind importance) const {
  Json job = {{"common", common_}, {"configs", configs_job(recipe_)}, {"seed", seed_}};
  if (importance != ImportanceKind::kNone) job["statistics"] = statistics();
  return job;
}

Json CompareJobs::base(CompareMethod method, double bits) const {
  if (!has_packed_base(method)) return dense();
  const MethodPlan plan = compare_method_plan(method, recipe_.rank);
  Json job = {{"common", common_}, {"texts", text_job_}, {"method", compare_method_name(base_method(method))},
              {"bits", bits},      {"rank", plan.rank},  {"seed", seed_}};
  if (plan.mixed) job["configs"] = configs_job(recipe_);
  if (needs_statistics(method)) job["statistics"] = statistics();
  return job;
}

Json CompareJobs::run(CompareMethod method, double bits, std::uint64_t seed, double rate) const {
  Json job = {{"base", base(method, bits)}, {"rank", recipe_.rank}, {"seed", seed}, {"finetune", data_job_}};
  Json& flags = job["finetune"]["flags"];
  if (method == CompareMethod::kFull) {
    job.erase("rank");
    for (const std::string& key : recipe_.adapter_settings) flags.erase(key);
  }
  flags["lr"] = rate;
  if (lora_start(method) == LoraStart::kStacked) job["init"] = "beside";
  return job;
}

}  // namespace lq
