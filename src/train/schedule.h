// Learning rate over the steps, as transformers' get_scheduler: the first of `warmup` steps has rate 0, and
// the step after the last would have it again (cosine, linear).
#pragma once

#include <cstdint>
#include <string_view>

namespace lq {

enum class ScheduleKind { kConstant, kLinear, kCosine };

// Throws Error(kInvalidArgument) with the names there are.
ScheduleKind parse_schedule(std::string_view name);
std::string_view schedule_name(ScheduleKind kind);

struct Schedule {
  ScheduleKind kind = ScheduleKind::kCosine;
  std::int64_t warmup = 0;  // steps
  std::int64_t total = 1;   // steps

  // Of the learning rate at `step`, counted from 0; in [0, 1].
  double factor(std::int64_t step) const;
};

// Below 1: that share of `total`, rounded up; else steps. Throws Error(kInvalidArgument) for a negative or
// fractional number of steps.
std::int64_t warmup_steps(double warmup, std::int64_t total);

}  // namespace lq
