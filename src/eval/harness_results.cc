#include "eval/harness_results.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

// Scores of a task, a group or a subject in the harness's names.
Json named(const Json& scores, const std::string& alias) {
  Json json = {{"alias", alias}};
  for (const auto& [metric, value] : scores.items()) {
    if (metric == "seconds" || metric.ends_with("_stderr") || !value.is_number_float()) continue;
    json[harness_metric(metric, false)] = value;
    const auto error = scores.find(metric + "_stderr");
    const std::string name = harness_metric(metric, true);
    if (error != scores.end()) {
      json[name] = *error;
    } else {
      json[name] = "N/A";
    }
  }
  if (scores.contains("documents")) json["sample_len"] = scores["documents"];
  return json;
}

class Writer {
 public:
  explicit Writer(bool limited) : limited_(limited) {}

  void add(const TaskResult& result) {
    const std::string name = result.task != nullptr && !result.task->harness_name.empty()
                                 ? result.task->harness_name
                                 : result.name;
    const bool grouped = result.scores.contains("subjects");
    results_[name] = named(result.scores, name);
    if (grouped) {
      add_groups(name, result);
    } else {
      describe(name, result, result.scores);
    }
  }

  Json take(const Json& config) {
    return {{"results", results_},         {"groups", groups_},     {"group_subtasks", subtasks_},
            {"configs", configs_},         {"versions", versions_}, {"n-shot", shots_},
            {"higher_is_better", better_}, {"n-samples", samples_}, {"config", config}};
  }

 private:
  // MMLU: the whole, its groups and their subjects, each with a name of its own.
  void add_groups(const std::string& name, const TaskResult& result) {
    groups_[name] = results_[name];
    versions_[name] = result.task->harness_version;
    Json all = Json::array();
    if (result.scores.contains("groups")) {
      for (const auto& [group, scores] : result.scores["groups"].items()) {
        const std::string full = name + "_" + group;
        results_[full] = named(scores, " - " + group);
        groups_[full] = results_[full];
        versions_[full] = result.task->harness_version;
        subtasks_[full] = Json::array();
        all.push_back(full);
      }
    }
    subtasks_[name] = all;
    for (const auto& [subject, scores] : result.scores["subjects"].items()) {
      const std::string full = name + "_" + subject;
      results_[full] = named(scores, "  - " + subject);
      describe(full, result, scores);
      const std::string group(result.task->category ? result.task->category(subject) : "");
      subtasks_[group.empty() ? name : name + "_" + group].push_back(full);
    }
  }

  void describe(const std::string& name, const TaskResult& result, const Json& scores) {
    static constexpr const char* kTypes[] = {"multiple_choice", "loglikelihood", "generate_until",
                                             "loglikelihood_rolling"};
    Json config = {{"task", name}};
    if (result.task != nullptr) {
      config["output_type"] = kTypes[static_cast<int>(result.task->kind)];
      config["source"] = result.task->source;
      versions_[name] = result.task->file_per_group ? 1.0 : result.task->harness_version;
    } else {
      config["output_type"] = "loglikelihood_rolling";
      versions_[name] = 0.0;
    }
    for (const char* key : {"convention", "truncated"}) {
      if (result.scores.contains(key)) config[key] = result.scores[key];
    }
    if (result.scores.contains("shots")) {
      config["num_fewshot"] = result.scores["shots"];
      shots_[name] = result.scores["shots"];
    }
    configs_[name] = config;
    if (scores.contains("documents")) {
      samples_[name] = Json::object();
      if (!limited_) samples_[name]["original"] = scores["documents"];
      samples_[name]["effective"] = scores["documents"];
    }
    Json better = Json::object();
    for (const auto& [metric, value] : scores.items()) {
      if (!value.is_number_float() || metric.ends_with("_stderr") || metric == "seconds") continue;
      const std::string plain = harness_metric(metric, false);
      better[plain.substr(0, plain.find(','))] =
          metric.find("acc") != std::string::npos || metric.starts_with("exact") || metric.starts_with("mc");
    }
    better_[name] = better;
  }

  bool limited_;
  Json results_ = Json::object(), groups_ = Json::object(), subtasks_ = Json::object(),
       configs_ = Json::object(), versions_ = Json::object(), shots_ = Json::object(),
       better_ = Json::object(), samples_ = Json::object();
};

}  // namespace

std::string harness_metric(const std::string& metric, bool error) {
  std::string name = metric;
  std::string filter = "none";
  if (metric == "exact_match_strict" || metric == "exact_match_flexible") {
    name = "exact_match";
    filter = metric == "exact_match_strict" ? "strict-match" : "flexible-extract";
  }
  return name + (error ? "_stderr," : ",") + filter;
}

Json harness_results(const std::vector<TaskResult>& results, const Json& config) {
  Writer writer(config.value("limit", std::int64_t{0}) > 0);
  for (const TaskResult& result : results) writer.add(result);
  return writer.take(config);
}

}  // namespace lq
