#include "train/train_state.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "files/json_object.h"

namespace lq {
namespace {

// null: none, or not finite.
nlohmann::json of(const std::optional<double>& x) {
  return x && std::isfinite(*x) ? nlohmann::json(*x) : nlohmann::json();
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

TrainState train_state_from_json(const nlohmann::json& record, const std::string& who) {
  const JsonObject json = JsonObject::record(record, who);
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  TrainState s;
  s.step = json.count("step");
  s.data.epoch = json.count("epoch");
  s.data.batch = json.count("batch");
  s.tokens = json.count("tokens");
  s.trained_tokens = json.count("trained_tokens");
  s.seconds = json.number("seconds");
  s.loss = json.number("loss");
  s.gradient_norm = json.number("gradient_norm");
  s.lr_scale = json.number("lr_scale");
  s.bad_streak = json.count("bad_streak");
  s.skipped = json.count("skipped");
  s.evaluated = json.integer("evaluated", -1, kMost);
  if (s.evaluated >= 0) {
    s.validation_loss = json.number_if("validation_loss").value_or(NAN);
    s.first_validation_loss = json.number_if("first_validation_loss").value_or(NAN);
  }
  s.best_loss = json.number_if("best_loss");
  s.best_step = json.integer("best_step", -1, kMost);
  s.since_best = json.count("since_best");
  return s;
}

}  // namespace lq
