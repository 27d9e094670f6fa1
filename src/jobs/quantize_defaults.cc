#include "jobs/quantize_defaults.h"

#include <algorithm>

#include "base/error.h"

namespace lq {

MethodSettings settle(const MethodChoices& c) {
  const bool lq = c.method == DecomposeMethod::kLq;
  const bool gptq = c.method == DecomposeMethod::kGptq;
  MethodSettings s;
  s.weights = c.weights.value_or(gptq                     ? WeightsKind::kInput
                                 : lq && c.has_statistics ? WeightsKind::kKfac
                                                          : WeightsKind::kNone);
  LQ_CHECK(s.weights == WeightsKind::kNone || c.has_statistics, kInvalidArgument,
           "--weights {}{} needs --data TEXT to calibrate on, or --stats FILE made by lqlora calibrate",
           weights_name(s.weights), gptq ? " (for --method gptq)" : "");
  const bool moments = s.weights >= WeightsKind::kInput;
  LQ_CHECK(!gptq || moments, kInvalidArgument, "--method gptq needs --weights input or kfac");
  LQ_CHECK(!gptq || c.feedback.value_or(true), kInvalidArgument,
           "--method gptq is error feedback: drop --no-feedback");
  LQ_CHECK(!c.feedback.value_or(false) || moments, kInvalidArgument,
           "--feedback needs --weights input or kfac");
  const bool feedback = c.feedback.value_or(lq && moments);
  s.quantizer.feedback = gptq ? Feedback::kGptq : feedback ? Feedback::kOn : Feedback::kOff;
  s.quantizer.kind = c.codebook.value_or(gptq               ? CodebookKind::kUniformInt
                                         : lq && !c.uniform ? CodebookKind::kLloydMax
                                                            : CodebookKind::kNormalFloat);
  s.quantizer.scales =
      c.scales.value_or(lq && !c.uniform && !feedback ? ScaleMode::kSearch : ScaleMode::kAbsMax);
  return s;
}

const std::vector<CodebookConfig>& lean_nf_configs() {
  static const std::vector<CodebookConfig> kConfigs = [] {
    std::vector<CodebookConfig> configs;
    for (const CodebookConfig& c : all_nf_configs()) {
      const bool narrow = c.bits < 8 ? c.scale_bits <= 4 : c.scale_bits >= 4;
      if (narrow && c.scale2 == ScaleDType::kFp16 && c.block2 >= 64) configs.push_back(c);
    }
    return configs;
  }();
  return kConfigs;
}

std::vector<CodebookConfig> parse_configs(const std::vector<std::string>& texts) {
  std::vector<CodebookConfig> configs;
  for (const std::string& text : texts) {
    if (text == "all" || text == "lean") {
      LQ_CHECK(texts.size() == 1, kInvalidArgument, "--configs {} stands alone, without other configurations",
               text);
      return text == "all" ? all_nf_configs() : lean_nf_configs();
    }
    const CodebookConfig config = parse_nf_config(text);
    if (std::find(configs.begin(), configs.end(), config) == configs.end()) configs.push_back(config);
  }
  return configs;
}

}  // namespace lq
