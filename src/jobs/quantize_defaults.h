// What is meant where a user leaves it open. Chosen by measurement (docs/results.md, "Bits and methods on
// quill").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decompose/decompose.h"
#include "jobs/matrix_importance.h"
#include "quant/quantizer.h"

namespace lq {

struct MethodChoices {
  DecomposeMethod method = DecomposeMethod::kLq;
  bool uniform = false;         // one configuration for all matrices, as the papers have it
  bool has_statistics = false;  // of a calibration, or text for one
  std::optional<WeightsKind> weights = {};
  std::optional<CodebookKind> codebook = {};
  std::optional<ScaleMode> scales = {};
  std::optional<bool> feedback = {};
};

struct MethodSettings {
  WeightsKind weights = WeightsKind::kNone;
  CodebookQuantizerOptions quantizer = {};
};

// The methods of other papers get what those papers have: NormalFloat, absmax, no weights; gptq its feedback,
// evenly spaced codes and the inputs' moment. lq takes kfac weights and error feedback where there are
// statistics, and a Lloyd-Max codebook where configurations are mixed; scales are searched where there is no
// feedback (with it, searching them loses a little). Throws Error(kInvalidArgument) for choices that do not
// go together.
MethodSettings settle(const MethodChoices& choices);

// 66 of the 432 configurations: fp16 second-level scales, narrow first-level ones. Allocations from them came
// within 0.4 % of the objective of all 432 at 2.25 to 3.5 bits, for a sixth of the sweep.
const std::vector<CodebookConfig>& lean_nf_configs();

// "lean", "all", or configurations such as 3,8,fp32,64,256; each once, in the order given.
// Throws Error(kInvalidArgument) naming the configuration.
std::vector<CodebookConfig> parse_configs(const std::vector<std::string>& texts);

}  // namespace lq
