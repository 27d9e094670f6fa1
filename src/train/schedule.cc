#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/option_error.h"

namespace lq {

ScheduleKind parse_schedule(std::string_view name) {
  for (const auto kind : {ScheduleKind::kConstant, ScheduleKind::kLinear, ScheduleKind::kCosine}) {
    if (schedule_name(kind) == name) return kind;
  }
  fail_option("schedule", "is '{}', but must be cosine, linear or constant", name);
}

std::string_view schedule_name(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::kConstant:
      return "constant";
    case ScheduleKind::kLinear:
      return "linear";
    case ScheduleKind::kCosine:
      return "cosine";
  }
  fail(ErrorCode::kInternal, "[train] schedule {}", static_cast<int>(kind));
}

double Schedule::factor(std::int64_t step) const {
  if (step < warmup)
    return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup));
  if (kind == ScheduleKind::kConstant) return 1.0;
  const double span = static_cast<double>(std::max<std::int64_t>(1, total - warmup));
  const double done = std::min(1.0, static_cast<double>(step - warmup) / span);
  if (kind == ScheduleKind::kLinear) return 1.0 - done;
  return 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

std::int64_t warmup_steps(double warmup, std::int64_t total) {
  check_option(warmup >= 0 && std::isfinite(warmup) && (warmup < 1 || warmup == std::floor(warmup)), "warmup",
               "is {}, but must be a share of the steps below 1, or a number of steps", warmup);
  // More steps than there can be are as many as there can be.
  constexpr double kMost = 0x1p62;
  if (warmup >= 1) return static_cast<std::int64_t>(std::min(warmup, kMost));
  return static_cast<std::int64_t>(std::ceil(warmup * static_cast<double>(total)));
}

}  // namespace lq
