#include "compare/compare_result.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "files/json_object.h"

namespace lq {
namespace {

nlohmann::json scores_to_json(const std::vector<TextScore>& scores) {
  nlohmann::json all = nlohmann::json::array();
  for (const TextScore& s : scores) {
    nlohmann::json json = {{"perplexity", finite_or_null(s.perplexity)},
                           {"nll_per_token", s.nll_per_token},
                           {"tokens", s.tokens}};
    if (s.kl) json["kl"] = *s.kl;
    all.push_back(json);
  }
  return all;
}

std::vector<TextScore> scores_from(const JsonObject& json) {
  std::vector<TextScore> scores;
  (void)json.any("texts");
  for (const JsonObject& item : json.sections("texts")) {
    // Of a model that has diverged it is beyond all numbers.
    scores.push_back({.perplexity = item.number_if("perplexity").value_or(INFINITY),
                      .nll_per_token = item.number("nll_per_token"),
                      .tokens = item.count("tokens"),
                      .kl = item.number_if("kl")});
  }
  return scores;
}

nlohmann::json tasks_to_json(const std::vector<TaskScore>& scores) {
  nlohmann::json all = nlohmann::json::array();
  for (const TaskScore& s : scores) {
    nlohmann::json json = {{"metric", s.metric}, {"value", s.value}};
    if (s.flips) json["flips"] = *s.flips;
    all.push_back(json);
  }
  return all;
}

// None in what was written before there were any.
std::vector<TaskScore> tasks_from(const JsonObject& json) {
  std::vector<TaskScore> scores;
  for (const JsonObject& item : json.sections("tasks"))
    scores.push_back({item.text("metric"), item.number("value"), item.number_if("flips")});
  return scores;
}

}  // namespace

nlohmann::json finite_or_null(double x) { return std::isfinite(x) ? nlohmann::json(x) : nlohmann::json(); }

std::vector<std::pair<std::string, double>> shared_stages(const CompareTable& table) {
  std::vector<std::pair<std::string, double>> all;
  for (const CompareRow& row : table.rows) {
    if (!row.base) continue;
    for (const auto& stage : row.base->shared) {
      const auto same = [&](const auto& other) { return other.first == stage.first; };
      if (std::none_of(all.begin(), all.end(), same)) all.push_back(stage);
    }
  }
  return all;
}

Spread spread_of(const std::vector<double>& values) {
  Spread s;
  s.count = values.size();
  for (const double v : values) s.mean += v / static_cast<double>(values.size());
  if (values.size() < 2) return s;
  double squares = 0.0;
  for (const double v : values) squares += (v - s.mean) * (v - s.mean);
  s.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return s;
}

const CompareRun& best_trial(const std::vector<CompareRun>& trials) {
  LQ_ASSERT(!trials.empty());
  return *std::ranges::min_element(trials, {}, [](const CompareRun& run) {
    constexpr double kWorst = std::numeric_limits<double>::infinity();
    if (run.score) return std::isnan(*run.score) ? kWorst : -*run.score;
    const double loss = run.validation_loss.value_or(kWorst);
    return std::isnan(loss) ? kWorst : loss;
  });
}

std::optional<Spread> perplexity_after(const CompareRow& row, std::size_t text) {
  std::vector<double> values;
  for (const CompareRun& run : row.runs) values.push_back(run.texts.at(text).perplexity);
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

std::optional<Spread> task_after(const CompareRow& row, std::size_t task) {
  std::vector<double> values;
  for (const CompareRun& run : row.runs) values.push_back(run.tasks.at(task).value);
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

std::optional<Spread> above_lora(const CompareTable& table, const CompareRow& row, std::size_t text) {
  std::vector<double> values;
  for (const CompareRow& other : table.rows) {
    if (other.method != CompareMethod::kLora || row.method == CompareMethod::kLora) continue;
    for (const CompareRun& run : row.runs) {
      for (const CompareRun& lora : other.runs) {
        if (run.seed == lora.seed)
          values.push_back(run.texts.at(text).perplexity - lora.texts.at(text).perplexity);
      }
    }
  }
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

nlohmann::json to_json(const CompareBase& b) {
  return {{"bits_per_weight", b.bits},
          {"relative_error", b.relative_error},
          {"seconds", b.seconds ? nlohmann::json(*b.seconds) : nlohmann::json()},
          {"peak_rss_bytes", b.peak_rss_bytes},
          {"texts", scores_to_json(b.texts)},
          {"tasks", tasks_to_json(b.tasks)},
          {"shared", b.shared}};
}

nlohmann::json to_json(const CompareRun& r) {
  if (!r.failure.empty()) return {{"seed", r.seed}, {"lr", r.lr}, {"failure", r.failure}};
  nlohmann::json json = {{"seed", r.seed},
                         {"lr", r.lr},
                         {"validation_loss", finite_or_null(r.validation_loss.value_or(NAN))},
                         {"steps", r.steps},
                         {"final_loss", r.final_loss},
                         {"seconds", r.seconds},
                         {"tokens_per_second", r.tokens_per_second},
                         {"peak_rss_bytes", r.peak_rss_bytes},
                         {"bits_per_weight_with_low_rank", r.bits_with_low_rank},
                         {"texts", scores_to_json(r.texts)},
                         {"tasks", tasks_to_json(r.tasks)}};
  if (r.score) {
    json["score"] = *r.score;
    json["metrics"] = r.metrics;
  }
  return json;
}

CompareBase compare_base_from_json(const nlohmann::json& record, const std::string& who) {
  const JsonObject json = JsonObject::record(record, who);
  CompareBase b;
  b.bits = json.number("bits_per_weight");
  b.relative_error = json.number("relative_error");
  b.seconds = json.number_if("seconds");
  b.peak_rss_bytes = json.count("peak_rss_bytes");
  b.texts = scores_from(json);
  b.tasks = tasks_from(json);
  for (const auto& stage : json.any("shared")) {
    LQ_CHECK(stage.is_array() && stage.size() == 2 && stage[0].is_string() && stage[1].is_number(),
             kCorruptFile, "{}: key 'shared' does not hold names with their seconds", who);
    b.shared.emplace_back(stage[0].get<std::string>(), stage[1].get<double>());
  }
  return b;
}

CompareRun compare_run_from_json(const nlohmann::json& record, const std::string& who) {
  const JsonObject json = JsonObject::record(record, who);
  CompareRun r;
  r.seed = json.unsigned64("seed");
  r.lr = json.number("lr");
  r.failure = json.text_or("failure", "");
  if (!r.failure.empty()) return r;
  r.validation_loss = json.number_if("validation_loss");
  r.steps = json.count("steps");
  r.final_loss = json.number("final_loss");
  r.seconds = json.number("seconds");
  r.tokens_per_second = json.number("tokens_per_second");
  r.peak_rss_bytes = json.count("peak_rss_bytes");
  r.bits_with_low_rank = json.number("bits_per_weight_with_low_rank");
  r.texts = scores_from(json);
  r.tasks = tasks_from(json);
  r.score = json.number_if("score");
  if (r.score) {
    for (const auto& [name, value] : json.any("metrics").items()) {
      LQ_CHECK(value.is_number(), kCorruptFile, "{}: metric '{}' is not a number", who, name);
      r.metrics[name] = value.get<double>();
    }
  }
  return r;
}

}  // namespace lq
