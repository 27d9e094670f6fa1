#include "train/train_guard.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/reduce.h"
#include "train/gradients.h"

namespace lq {
namespace {

// "a, b and 5 more".
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  const std::size_t shown = std::min(kShown, names.size());
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

std::vector<std::string> not_finite_values(Context& ctx, const std::vector<Parameter*>& parameters) {
  std::vector<std::string> names;
  for (const Parameter* p : parameters) {
    if (!all_finite(ctx, p->values())) names.push_back(p->name);
  }
  return names;
}

std::string report(Context& ctx, const TrainState& state, double loss, double norm, double lr,
                   const std::vector<Parameter*>& parameters) {
  std::string text =
      fmt::format("loss {:.4g}, gradient norm {:.4g}, learning rate {:.3g}", loss, norm, lr * state.lr_scale);
  const auto gradients = not_finite_gradients(ctx, parameters);
  if (!gradients.empty()) text += fmt::format("; gradients of {}", some_of(gradients));
  const auto values = not_finite_values(ctx, parameters);
  if (!values.empty()) text += fmt::format("; weights of {}", some_of(values));
  return text;
}

template <typename... Args>
void check_numbers(bool good, fmt::format_string<Args...> format, Args&&... args) {
  if (!good) throw NothingLearntError(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace

bool guard_step(Context& ctx, TrainState& state, double loss, double gradient_norm, double lr,
                const std::vector<Parameter*>& parameters, std::string& note) {
  if (std::isfinite(loss) && std::isfinite(gradient_norm)) {
    state.bad_streak = 0;
    return true;
  }
  ++state.bad_streak;
  ++state.skipped;
  const std::string what = report(ctx, state, loss, gradient_norm, lr, parameters);
  check_numbers(
      state.bad_streak <= kBadStepsAllowed,
      "[train] step {}: not finite for the {}th time in a row ({}); {} steps were skipped, the learning rate "
      "halved {} times; a lower `lr` or `clip` may help",
      state.step + 1, state.bad_streak, what, state.skipped, state.bad_streak - 2);
  if (state.bad_streak > 1) state.lr_scale *= 0.5;
  note = fmt::format("step {}: not finite ({}): the update is left out{}", state.step + 1, what,
                     state.bad_streak > 1 ? ", the learning rate halved" : "");
  return false;
}

void check_learnt(Context& ctx, const TrainState& state, const std::vector<Parameter*>& parameters) {
  const auto names = not_finite_values(ctx, parameters);
  check_numbers(
      names.empty(),
      "[train] the weights that learn are no longer numbers after step {}: those of {}; a lower `lr` or "
      "`clip`, or a larger `eps`, may help",
      state.step, some_of(names));
  check_numbers(
      state.step == 0 || state.skipped < state.step,
      "[train] nothing was learnt: the loss or its gradient was not finite in all {} steps; the data or "
      "the model to start from may be at fault",
      state.step);
}

std::string skipped_at_end(const TrainState& state) {
  if (state.bad_streak == 0) return "";
  return fmt::format(
      "the last {} of {} steps were left out, as they were not finite: the loss told is that of step {}",
      state.bad_streak, state.step, state.step - state.bad_streak);
}

}  // namespace lq
