// What a file of statistics says of itself, for tests that write their own moments.
#pragma once

#include <map>
#include <string>

#include "calibrate/stats_format.h"

namespace lq {

inline std::map<std::string, std::string> stats_metadata(const StatsModules& modules,
                                                         const std::string& model_hash = std::string(32, '0'),
                                                         int held_out = 0) {
  return {{"format", std::string(kStatsFormat)},
          {"version", std::to_string(kStatsVersion)},
          {"model_hash", model_hash},
          {"job", model_hash},
          {"sequences", "8"},
          {"held_out_sequences", std::to_string(held_out)},
          {"tokens", "100"},
          {"seq_len", "16"},
          {"mean_loss", "1.0"},
          {"silent", "[]"},
          {"modules", stats_modules_to_text(modules)}};
}

}  // namespace lq
