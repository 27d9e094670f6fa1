#include "train/finetune_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "files/json_object.h"

namespace lq {
namespace {

// null: not finite.
nlohmann::ordered_json number(const std::optional<double>& x) {
  return x && std::isfinite(*x) ? nlohmann::ordered_json(*x) : nlohmann::ordered_json();
}

}  // namespace

nlohmann::ordered_json to_json(const FinetuneReport& r) {
  const TrainState& s = r.training.state;
  nlohmann::ordered_json json = {{"steps", s.step},
                                 {"total_steps", r.training.total_steps},
                                 {"final_loss", s.loss},
                                 {"tokens_per_second", r.training.tokens_per_second},
                                 {"peak_rss_bytes", r.peak_rss_bytes},
                                 {"seconds", r.seconds},
                                 {"tokens", s.tokens},
                                 {"trained_tokens", s.trained_tokens},
                                 {"skipped_steps", s.skipped},
                                 {"stopped_early", r.training.stopped_early},
                                 {"examples", r.examples},
                                 {"validation_examples", r.validation_examples},
                                 {"data_tokens", r.data_tokens},
                                 {"data_trained_tokens", r.trained_tokens},
                                 {"bad_records", r.bad},
                                 {"truncated", r.truncated},
                                 {"dropped", r.dropped},
                                 {"modules", r.modules},
                                 {"parameters", r.parameters}};
  // Then the loss is an earlier step's.
  if (s.bad_streak > 0) json["skipped_at_end"] = s.bad_streak;
  if (!r.reference.empty()) json["reference"] = r.reference;
  if (!r.findings.empty()) json["findings"] = r.findings.to_json();
  if (!r.task.is_null()) json["task"] = r.task;
  if (r.compressed) {
    json.update({{"compression_error", r.compressed->relative_error},
                 {"bits_per_weight_with_low_rank", r.compressed->bits_per_weight_with_low_rank}});
  }
  if (s.validation_loss) {
    json.update({{"first_validation_loss", number(s.first_validation_loss)},
                 {"validation_loss", number(s.validation_loss)},
                 {"best_validation_loss", number(s.best_loss)},
                 {"best_step", s.best_step}});
  }
  return json;
}

FinetuneReport finetune_report_from_json(const nlohmann::json& record, const std::string& who) {
  const JsonObject json = JsonObject::record(record, who);
  FinetuneReport r;
  TrainState& s = r.training.state;
  s.step = json.count("steps");
  r.training.total_steps = json.count("total_steps");
  s.loss = json.number("final_loss");
  r.training.tokens_per_second = json.number("tokens_per_second");
  r.peak_rss_bytes = json.count("peak_rss_bytes");
  r.seconds = json.number("seconds");
  s.tokens = json.count("tokens");
  s.trained_tokens = json.count("trained_tokens");
  s.skipped = json.count("skipped_steps");
  r.training.stopped_early = json.boolean("stopped_early");
  r.examples = json.count("examples");
  r.validation_examples = json.count("validation_examples");
  r.data_tokens = json.count("data_tokens");
  r.trained_tokens = json.count("data_trained_tokens");
  r.bad = json.count("bad_records");
  r.truncated = json.count("truncated");
  r.dropped = json.count("dropped");
  r.modules = json.count("modules");
  r.parameters = json.count("parameters");
  r.findings = DataReport::from_records(json.sections("findings"));
  if (json.has("skipped_at_end")) s.bad_streak = json.count("skipped_at_end");
  if (json.has("reference")) r.reference = json.text("reference");
  if (json.has("task")) r.task = nlohmann::ordered_json::parse(json.any("task").dump());
  if (json.has("compression_error"))
    r.compressed = {json.number("compression_error"), json.number("bits_per_weight_with_low_rank")};
  if (json.json().contains("validation_loss")) {
    s.first_validation_loss = json.number_if("first_validation_loss").value_or(NAN);
    s.validation_loss = json.number_if("validation_loss").value_or(NAN);
    s.best_loss = json.number_if("best_validation_loss");
    s.best_step = json.integer("best_step", -1, std::int64_t{1} << 62);
  }
  return r;
}

}  // namespace lq
