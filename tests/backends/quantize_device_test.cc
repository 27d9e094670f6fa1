// The kernels of quantization on every device of this machine: the processor's bits.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "backends/cuda/device.h"
#include "backends/cuda/gram.h"
#include "backends/cuda/quantize.h"
#include "backends/gram_twin.h"
#include "backends/quantize_case.h"

namespace lq::backends {
namespace {

constexpr Device kFirst{DeviceKind::kCuda, 0};

// Numbers on the device, given back at the end.
class OnCard {
 public:
  OnCard(DeviceQueue& queue, const std::vector<float>& values)
      : queue_(queue), count_(values.size()), bytes_(cuda::allocate(kFirst, count_ * sizeof(float) + 1)) {
    cuda::copy_to_device(queue, values.data(), count_ * sizeof(float), bytes_);
  }
  ~OnCard() { cuda::release(bytes_); }
  OnCard(const OnCard&) = delete;
  OnCard& operator=(const OnCard&) = delete;
  float* data() const { return reinterpret_cast<float*>(bytes_); }
  const float* or_null() const { return count_ == 0 ? nullptr : data(); }
  std::vector<float> values() const {
    std::vector<float> out(count_);
    cuda::copy_to_host(queue_, bytes_, count_ * sizeof(float), out.data());
    return out;
  }

 private:
  DeviceQueue& queue_;
  std::size_t count_;
  std::byte* bytes_;
};

class QuantizeOnDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda::devices().empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
    queue_ = cuda::open_queue(kFirst);
  }
  cuda::Queue queue_;
};

TEST_F(QuantizeOnDevice, ScalesAndResidualsAreTheProcessorsBitForBit) {
  for (const auto& [rows, cols] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {7, 19}, {65, 63}, {40, 257}, {131, 515}}) {
    for (const RoundingCase& c : rounding_cases(rows, cols)) {
      const std::vector<float> w = reference::normal_matrix(rows, cols, 77);
      const OnCard on_card(*queue_, w);
      const OnCard target(*queue_, c.w);
      const OnCard by_row(*queue_, c.row_weights);
      const OnCard by_col(*queue_, c.col_weights);
      const auto blocks = static_cast<std::size_t>((rows * cols + c.format.block - 1) / c.format.block);
      const OnCard scales(*queue_, std::vector<float>(blocks));
      const CodebookRounding rounding{c.format, c.book, c.search};
      cuda::block_scales(*queue_, rounding, {by_row.or_null(), by_col.or_null()}, rows, cols, target.data(),
                         scales.data());
      const std::vector<float> expected = scales_as_threads(c);
      ASSERT_EQ(std::memcmp(scales.values().data(), expected.data(), blocks * sizeof(float)), 0) << c.name;
      // In place of the target.
      const cuda::ResidualSums sums =
          cuda::rounded_residual(*queue_, rounding, rows, cols, on_card.data(), target.data(), scales.data(),
                                 nullptr, nullptr, target.data());
      const std::vector<float> have = target.values();
      double squared = 0.0;
      for (std::size_t i = 0; i < have.size(); ++i) {
        ASSERT_EQ(have[i], w[i] - c.expected[i])
            << c.name << " " << rows << " x " << cols << " [" << i << "]";
        squared += std::pow(double{have[i]}, 2);
      }
      EXPECT_NEAR(sums.squared, squared, 1e-12 * squared);
      EXPECT_EQ(sums.weighted, sums.squared);
    }
  }
}

TEST_F(QuantizeOnDevice, ResidualsAreWeightedAndSummedTheSameInEveryRun) {
  const std::int64_t rows = 130;
  const std::int64_t cols = 517;
  const std::vector<float> w = reference::normal_matrix(rows, cols, 1);
  const std::vector<float> q = reference::normal_matrix(rows, cols, 2);
  const OnCard on_card(*queue_, w);
  const OnCard rounded(*queue_, q);
  const OnCard by_row(*queue_, reference::normal_matrix(1, rows, 3));
  const OnCard by_col(*queue_, reference::normal_matrix(1, cols, 4));
  const OnCard out(*queue_, w);
  const auto run = [&] {
    return cuda::residual(*queue_, rows, cols, on_card.data(), rounded.data(), by_row.data(), by_col.data(),
                          out.data());
  };
  const cuda::ResidualSums first = run();
  const cuda::ResidualSums again = run();
  EXPECT_EQ(first.squared, again.squared);
  EXPECT_EQ(first.weighted, again.weighted);
  const std::vector<float> rows_scale = by_row.values();
  const std::vector<float> cols_scale = by_col.values();
  const std::vector<float> have = out.values();
  double weighted = 0.0;
  for (std::size_t i = 0; i < have.size(); ++i) {
    const float want = (w[i] - q[i]) * (rows_scale[i / static_cast<std::size_t>(cols)] *
                                        cols_scale[i % static_cast<std::size_t>(cols)]);
    ASSERT_EQ(have[i], want) << i;
    weighted += double{want} * want;
  }
  EXPECT_NEAR(first.weighted, weighted, 1e-12 * weighted);
  double products = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) products += double{w[i]} * q[i];
  EXPECT_NEAR(cuda::sum_of_products(*queue_, rows * cols, on_card.data(), rounded.data()), products, 1e-9);
  const cuda::ResidualSums alone =
      cuda::residual(*queue_, rows, cols, out.data(), nullptr, nullptr, nullptr, nullptr);
  EXPECT_NEAR(alone.squared, weighted, 1e-12 * weighted);
}

TEST_F(QuantizeOnDevice, GramMatricesAreTheTwins) {
  for (const auto& [count, k] : {std::pair<std::int64_t, std::int64_t>{17, 3}, {513, 17}, {700, 37}}) {
    const std::vector<float> x = reference::normal_matrix(count, k, 7);
    const OnCard on_card(*queue_, x);
    for (const bool columns : {true, false}) {
      cuda::GramInput input{x.data(), count, k, columns ? k : 1, columns ? 1 : count};
      const std::vector<double> want = gram_as_threads(input);
      input.x = on_card.data();
      std::vector<double> have(want.size());
      cuda::gram(*queue_, input, have.data());
      EXPECT_EQ(std::memcmp(have.data(), want.data(), want.size() * sizeof(double)), 0) << count << " " << k;
    }
    const OnCard factors(*queue_, reference::normal_matrix(1, k, 8));
    cuda::scale_sides(*queue_, count, k, nullptr, factors.data(), on_card.data());
    const std::vector<float> by_col = factors.values();
    const std::vector<float> scaled = on_card.values();
    for (std::size_t i = 0; i < scaled.size(); ++i)
      ASSERT_EQ(scaled[i], x[i] * by_col[i % static_cast<std::size_t>(k)]);
  }
}

}  // namespace
}  // namespace lq::backends
