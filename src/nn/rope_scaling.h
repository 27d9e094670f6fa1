// Frequencies of rotary embeddings and their extensions to longer contexts, as Hugging Face computes them.
#pragma once

#include <cstdint>
#include <vector>

namespace lq {

enum class RopeType {
  kDefault,
  kLinear,    // positions divided by a factor (Chen et al. 2023)
  kDynamic,   // base grows with the length beyond the trained context ("dynamic NTK")
  kLlama3,    // low frequencies divided, high ones kept, smooth between
  kYarn,      // Peng et al. 2023
  kLongRope,  // Ding et al. 2024: a factor for each frequency, one set up to the trained context, one beyond
};

struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000.0;
  double share = 1.0;  // of a head's dimensions, from its front, that turn
  double factor = 1.0;
  std::int64_t max_positions = 2048;       // of the model: where kDynamic starts to stretch
  std::int64_t original_positions = 2048;  // trained context, for kLlama3, kYarn and kLongRope
  double low_freq_factor = 1.0;            // kLlama3
  double high_freq_factor = 4.0;
  double beta_fast = 32.0;  // kYarn
  double beta_slow = 1.0;
  double attention_factor = 1.0;                  // on cos and sin
  bool truncate = true;                           // kYarn: whole bounds of the ramp
  std::vector<double> short_factor, long_factor;  // kLongRope, [dims / 2]

  // Dimensions of a head that turn, an even number.
  std::int64_t dims(std::int64_t head_dim) const;
};

// inv_freq[dims(head_dim) / 2] in radians per position, for sequences up to `length` tokens (matters to
// kDynamic and kLongRope only).
std::vector<float> rope_frequencies(const RopeConfig& config, std::int64_t head_dim, std::int64_t length);

// kLongRope's factor on cos and sin where the config names none: sqrt(1 + ln(factor) / ln(original)), with
// factor the model's context over the trained one; 1 where that is not above 1.
double long_rope_attention_factor(double factor, std::int64_t original_positions);

// kYarn's factor on cos and sin where the config names none: 0.1 * mscale * ln(factor) + 1.
double yarn_attention_factor(double factor, double mscale = 1.0);

}  // namespace lq
