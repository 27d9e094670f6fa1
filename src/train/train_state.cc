#include "train/train_state.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

nlohmann::json of(const std::optional<double>& x) { return x ? nlohmann::json(*x) : nlohmann::json(); }

std::optional<double> optional_of(const nlohmann::json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<double>();
}

}  // namespace

nlohmann::json to_json(const TrainState& s) {
  return {{"step", s.step},
          {"epoch", s.data.epoch},
          {"batch", s.data.batch},
          {"tokens", s.tokens},
          {"trained_tokens", s.trained_tokens},
          {"seconds", s.seconds},
          {"loss", s.loss},
          {"gradient_norm", s.gradient_norm},
          {"lr_scale", s.lr_scale},
          {"bad_streak", s.bad_streak},
          {"skipped", s.skipped},
          {"evaluated", s.evaluated},
          {"validation_loss", of(s.validation_loss)},
          {"first_validation_loss", of(s.first_validation_loss)},
          {"best_loss", of(s.best_loss)},
          {"best_step", s.best_step},
          {"since_best", s.since_best}};
}

TrainState train_state_from_json(const nlohmann::json& json, const std::string& who) {
  try {
    TrainState s;
    json.at("step").get_to(s.step);
    json.at("epoch").get_to(s.data.epoch);
    json.at("batch").get_to(s.data.batch);
    json.at("tokens").get_to(s.tokens);
    json.at("trained_tokens").get_to(s.trained_tokens);
    json.at("seconds").get_to(s.seconds);
    json.at("loss").get_to(s.loss);
    json.at("gradient_norm").get_to(s.gradient_norm);
    json.at("lr_scale").get_to(s.lr_scale);
    json.at("bad_streak").get_to(s.bad_streak);
    json.at("skipped").get_to(s.skipped);
    json.at("evaluated").get_to(s.evaluated);
    s.validation_loss = optional_of(json.at("validation_loss"));
    s.first_validation_loss = optional_of(json.at("first_validation_loss"));
    s.best_loss = optional_of(json.at("best_loss"));
    json.at("best_step").get_to(s.best_step);
    json.at("since_best").get_to(s.since_best);
    return s;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: {}", who, e.what());
  }
}

}  // namespace lq
