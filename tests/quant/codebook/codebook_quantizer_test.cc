#include "quant/codebook/codebook_quantizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "quant/codebook/restored_scales.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

double squared_error(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
  return sum;
}

// Squared error of N(0, 1) weights in blocks of 64. No reconstruction beats the rate-distortion bound 4^-b,
// and a uniform quantizer of step 2 absmax / 2^b, absmax < 5 here, errs by step^2 / 12 at most on average.
TEST(CodebookQuantizer, ErrorsLieBetweenTheBounds) {
  ThreadPool pool(2);
  const std::int64_t n = 1 << 18;
  const auto w = reference::normal_matrix(1, n, 3);
  std::vector<float> q(w.size());
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    CodebookQuantizer(uniform_codebook_config(bits)).round_trip(pool, w.data(), 512, 512, q.data());
    const double mse = squared_error(w, q) / static_cast<double>(n);
    EXPECT_GT(mse, std::pow(4.0, -bits)) << bits;
    EXPECT_LT(mse, std::pow(10.0 / (1 << bits), 2) / 12.0) << bits;
  }
}

TEST(CodebookQuantizer, NormalFloatBeatsUniformOnNormalWeights) {
  ThreadPool pool(2);
  const auto w = reference::normal_matrix(1, 1 << 18, 3);
  std::vector<float> nf(w.size());
  std::vector<float> uniform(w.size());
  for (const int bits : {2, 3, 4}) {
    CodebookQuantizer(uniform_codebook_config(bits)).round_trip(pool, w.data(), 512, 512, nf.data());
    CodebookQuantizer(uniform_codebook_config(bits), {.kind = CodebookKind::kUniformInt})
        .round_trip(pool, w.data(), 512, 512, uniform.data());
    EXPECT_LT(squared_error(w, nf), squared_error(w, uniform)) << bits;
  }
}

TEST(CodebookQuantizer, LloydMaxWithSearchBeatsNormalFloatWithSearch) {
  ThreadPool pool(2);
  const auto w = reference::normal_matrix(1, 1 << 18, 3);
  std::vector<float> nf(w.size());
  std::vector<float> lm(w.size());
  for (const int bits : {2, 3, 4}) {
    CodebookQuantizer(uniform_codebook_config(bits), {.scales = ScaleMode::kSearch})
        .round_trip(pool, w.data(), 512, 512, nf.data());
    CodebookQuantizer(uniform_codebook_config(bits),
                      {.kind = CodebookKind::kLloydMax, .scales = ScaleMode::kSearch})
        .round_trip(pool, w.data(), 512, 512, lm.data());
    EXPECT_LT(squared_error(w, lm), squared_error(w, nf)) << bits;
  }
}

TEST(CodebookQuantizer, SaysWhatItIs) {
  const CodebookQuantizer nf(parse_codebook_config("3,8,fp32,64,256"));
  EXPECT_EQ(nf.name(), "nf 3,8,fp32,64,256");
  EXPECT_DOUBLE_EQ(nf.bits_per_weight(), codebook_bits_per_weight(nf.config()));
  EXPECT_EQ(CodebookQuantizer(uniform_codebook_config(4), {.kind = CodebookKind::kUniformInt}).name(),
            "int 4,8,fp32,64,256");
  CodebookConfig bad;
  bad.bits = 7;
  EXPECT_THROW(CodebookQuantizer{bad}, Error);
}

TEST(CodebookQuantizer, ImpossibleShapesAreRefused) {
  ThreadPool pool(1);
  float x = 0.0F;
  const CodebookQuantizer quantizer(uniform_codebook_config(4));
  EXPECT_THROW(quantizer.round_trip(pool, &x, 0, 1, &x), Error);
  EXPECT_THROW(quantizer.round_trip(pool, &x, std::int64_t{1} << 40, std::int64_t{1} << 40, &x), Error);
}

TEST(CodebookQuantizer, PacksWhatItQuantizes) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(33, 70, 5);
  const CodebookQuantizer quantizer(uniform_codebook_config(3), {.kind = CodebookKind::kLloydMax});
  const PackedMatrix packed = quantizer.pack(pool, w.data(), 33, 70);
  const CodebookMatrix matrix = quantizer.quantize(pool, w.data(), 33, 70);
  EXPECT_EQ(packed.choice(), (QuantChoice{"lm", "3,8,fp32,64,256"}));
  EXPECT_EQ(packed.storage_bytes(), matrix.storage_bytes());
  EXPECT_EQ(packed.bits_per_weight(), matrix.bits_per_weight());
  ASSERT_EQ(packed.parts().size(), 4U);
  EXPECT_TRUE(std::equal(packed.parts()[0].bytes.begin(), packed.parts()[0].bytes.end(),
                         matrix.parts().codes.begin(), matrix.parts().codes.end()));
  std::vector<float> q(w.size()), out(w.size());
  quantizer.round_trip(pool, w.data(), 33, 70, q.data());
  packed.dequantize(pool, out.data());
  EXPECT_EQ(out, q);
  EXPECT_EQ(quantizer.feedback(), Feedback::kOff);
  const CodebookQuantizer with(uniform_codebook_config(3), {.feedback = Feedback::kOn});
  EXPECT_EQ(with.feedback(), Feedback::kOn);
  EXPECT_EQ(with.without_feedback()->name(), "nf 3,8,fp32,64,256");
}

// Codes that another device has chosen, under the scales that the matrix has.
TEST(CodebookQuantizer, PacksCodesThatAreGiven) {
  ThreadPool pool(1);
  const std::int64_t rows = 9;
  const std::int64_t cols = 50;
  const auto w = reference::normal_matrix(rows, cols, 6);
  for (const int bits : {2, 3, 8}) {
    const CodebookQuantizer quantizer(uniform_codebook_config(bits), {.scales = ScaleMode::kSearch});
    const CodebookMatrix matrix = quantizer.quantize(pool, w.data(), rows, cols);
    std::vector<std::uint8_t> codes(w.size());
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<std::uint8_t>((5 * i) % (1U << bits));
    const PackedMatrix packed = quantizer.pack_codes(pool, w.data(), rows, cols, codes.data(), {});
    std::vector<float> q(w.size());
    packed.dequantize(pool, q.data());
    const RestoredScales scales = restored_scales(matrix);
    const Codebook& book = codebook_of(CodebookKind::kNormalFloat, bits);
    for (std::size_t i = 0; i < q.size(); ++i)
      ASSERT_EQ(q[i], book.values[codes[i]] * scales.scales[i / 64]) << bits << " bits, " << i;
  }
}

}  // namespace
}  // namespace lq
