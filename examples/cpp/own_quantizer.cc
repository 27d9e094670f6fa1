// A quantizer of one's own in LQ-LoRA's decomposition: W ~ Q + L1 L2 with ternary Q, a scale for each row.
// usage: own_quantizer
#include <lqlora/lqlora.h>

#include <cmath>
#include <cstdio>
#include <random>

// Each weight becomes -s, 0 or s, where s is the row's mean magnitude (as BitNet b1.58 has it, by row).
class Ternary : public lqlora::Quantizer {
 public:
  void round_trip(std::span<const float> w, std::int64_t rows, std::int64_t cols,
                  std::span<float> q) const override {
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = w.subspan(i * cols, cols);
      float scale = 1e-30F;
      for (const float x : row) scale += std::abs(x) / static_cast<float>(cols);
      for (std::int64_t j = 0; j < cols; ++j) {
        q[i * cols + j] = scale * std::fmin(1.0F, std::fmax(-1.0F, std::round(row[j] / scale)));
      }
    }
  }
  double bits_per_weight() const override { return std::log2(3.0); }
  std::string name() const override { return "ternary"; }
};

int main() try {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> w(96 * 128);
  for (float& x : w) x = normal(random);
  lqlora::Context context;
  for (const int rank : {0, 8, 16}) {
    const auto d = lqlora::decompose(context, w, 96, 128, Ternary(), {.rank = rank});
    std::printf("rank %2d: relative error %.4f\n", rank, d.relative_error);
  }
  return 0;
} catch (const lqlora::Error& e) {
  return std::fprintf(stderr, "%s\n", e.what()), 1;
}
