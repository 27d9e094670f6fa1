#include "compare/compare_result.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace lq {
namespace {

nlohmann::json scores_to_json(const std::vector<TextScore>& scores) {
  nlohmann::json all = nlohmann::json::array();
  for (const TextScore& s : scores) {
    nlohmann::json json = {
        {"perplexity", s.perplexity}, {"nll_per_token", s.nll_per_token}, {"tokens", s.tokens}};
    if (s.kl) json["kl"] = *s.kl;
    all.push_back(json);
  }
  return all;
}

std::vector<TextScore> scores_from_json(const nlohmann::json& json) {
  std::vector<TextScore> scores;
  for (const nlohmann::json& item : json) {
    TextScore s;
    item.at("perplexity").get_to(s.perplexity);
    item.at("nll_per_token").get_to(s.nll_per_token);
    item.at("tokens").get_to(s.tokens);
    if (item.contains("kl")) s.kl = item["kl"].get<double>();
    scores.push_back(s);
  }
  return scores;
}

}  // namespace

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
    const double loss = run.validation_loss.value_or(kWorst);
    return std::isnan(loss) ? kWorst : loss;
  });
}

std::optional<Spread> perplexity_after(const CompareRow& row, std::size_t text) {
  std::vector<double> values;
  for (const CompareRun& run : row.runs) values.push_back(run.texts.at(text).perplexity);
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
          {"shared", b.shared}};
}

nlohmann::json to_json(const CompareRun& r) {
  return {{"seed", r.seed},
          {"lr", r.lr},
          {"validation_loss", r.validation_loss ? nlohmann::json(*r.validation_loss) : nlohmann::json()},
          {"steps", r.steps},
          {"final_loss", r.final_loss},
          {"seconds", r.seconds},
          {"tokens_per_second", r.tokens_per_second},
          {"peak_rss_bytes", r.peak_rss_bytes},
          {"bits_per_weight_with_low_rank", r.bits_with_low_rank},
          {"texts", scores_to_json(r.texts)}};
}

CompareBase compare_base_from_json(const nlohmann::json& json, const std::string& who) {
  try {
    CompareBase b;
    json.at("bits_per_weight").get_to(b.bits);
    json.at("relative_error").get_to(b.relative_error);
    if (!json.at("seconds").is_null()) b.seconds = json["seconds"].get<double>();
    json.at("peak_rss_bytes").get_to(b.peak_rss_bytes);
    b.texts = scores_from_json(json.at("texts"));
    json.at("shared").get_to(b.shared);
    return b;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: {}", who, e.what());
  }
}

CompareRun compare_run_from_json(const nlohmann::json& json, const std::string& who) {
  try {
    CompareRun r;
    json.at("seed").get_to(r.seed);
    json.at("lr").get_to(r.lr);
    if (!json.at("validation_loss").is_null()) r.validation_loss = json["validation_loss"].get<double>();
    json.at("steps").get_to(r.steps);
    json.at("final_loss").get_to(r.final_loss);
    json.at("seconds").get_to(r.seconds);
    json.at("tokens_per_second").get_to(r.tokens_per_second);
    json.at("peak_rss_bytes").get_to(r.peak_rss_bytes);
    json.at("bits_per_weight_with_low_rank").get_to(r.bits_with_low_rank);
    r.texts = scores_from_json(json.at("texts"));
    return r;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: {}", who, e.what());
  }
}

}  // namespace lq
