// Names and metadata of a statistics file (docs/formats/stats.md), shared by its writer and its reader.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "tensor/tensor_view.h"

namespace lq {

constexpr std::string_view kStatsFormat = "lqlora-stats";
constexpr int kStatsVersion = 1;  // on disk: never renumber

// Suffixes of tensor names: "<module>.fisher_rows".
constexpr std::string_view kFisherRows = ".fisher_rows";
constexpr std::string_view kFisherCols = ".fisher_cols";
constexpr std::string_view kFisher = ".fisher";
constexpr std::string_view kInputMoment = ".input_moment";
constexpr std::string_view kInputMomentHeldOut = ".input_moment_held_out";
constexpr std::string_view kWeightedInputMoment = ".weighted_input_moment";
constexpr std::string_view kOutputGradMoment = ".output_grad_moment";

// What the file says of one linear layer.
struct StatsModule {
  std::int64_t rows = 0;  // outputs
  std::int64_t cols = 0;  // inputs
  std::string input;      // the module under which the input's second moment is kept; perhaps itself
};
using StatsModules = std::map<std::string, StatsModule, std::less<>>;

// The metadata's "modules": {"model.layers.0.mlp.up_proj": {"shape": [r, c], "input": "...gate_proj"}, ...}.
std::string stats_modules_to_text(const StatsModules& modules);
// Throws Error(kCorruptFile) starting with `who`.
StatsModules stats_modules_from_text(std::string_view text, std::string_view who);

}  // namespace lq
