#include "train/finetune_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {

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
  if (r.compressed) {
    json.update({{"compression_error", r.compressed->relative_error},
                 {"bits_per_weight_with_low_rank", r.compressed->bits_per_weight_with_low_rank}});
  }
  if (s.validation_loss) {
    json.update({{"first_validation_loss", s.first_validation_loss.value_or(NAN)},
                 {"validation_loss", *s.validation_loss},
                 {"best_validation_loss", s.best_loss.value_or(NAN)},
                 {"best_step", s.best_step}});
  }
  return json;
}

FinetuneReport finetune_report_from_json(const nlohmann::json& json, const std::string& who) {
  try {
    FinetuneReport r;
    TrainState& s = r.training.state;
    json.at("steps").get_to(s.step);
    json.at("total_steps").get_to(r.training.total_steps);
    json.at("final_loss").get_to(s.loss);
    json.at("tokens_per_second").get_to(r.training.tokens_per_second);
    json.at("peak_rss_bytes").get_to(r.peak_rss_bytes);
    json.at("seconds").get_to(r.seconds);
    json.at("tokens").get_to(s.tokens);
    json.at("trained_tokens").get_to(s.trained_tokens);
    json.at("skipped_steps").get_to(s.skipped);
    json.at("stopped_early").get_to(r.training.stopped_early);
    json.at("examples").get_to(r.examples);
    json.at("validation_examples").get_to(r.validation_examples);
    json.at("data_tokens").get_to(r.data_tokens);
    json.at("data_trained_tokens").get_to(r.trained_tokens);
    json.at("bad_records").get_to(r.bad);
    json.at("truncated").get_to(r.truncated);
    json.at("dropped").get_to(r.dropped);
    json.at("modules").get_to(r.modules);
    json.at("parameters").get_to(r.parameters);
    if (json.contains("compression_error")) {
      r.compressed = {json.at("compression_error").get<double>(),
                      json.at("bits_per_weight_with_low_rank").get<double>()};
    }
    if (json.contains("validation_loss")) {
      s.first_validation_loss = json.at("first_validation_loss").get<double>();
      s.validation_loss = json.at("validation_loss").get<double>();
      s.best_loss = json.at("best_validation_loss").get<double>();
      json.at("best_step").get_to(s.best_step);
    }
    return r;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: {}", who, e.what());
  }
}

}  // namespace lq
