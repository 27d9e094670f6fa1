// A low-rank part merged into its weight, against sums in double.
#include "export/merge.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/progress.h"
#include "reference/numbers.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

constexpr std::int64_t kRank = 2, kInputs = 5, kOutputs = 3;

class MergeTest : public testing::TestWithParam<bool> {
 protected:
  // An adapter of one module, linear or embedding.
  MergeTest() : a_(numbers(kRank * kInputs, 1)), b_(numbers(kOutputs * kRank, 2)), m_(numbers(kOutputs, 3)) {}
  static std::vector<float> numbers(std::int64_t count, std::uint64_t stream) {
    return reference::normals(static_cast<std::size_t>(count), stream);
  }
  PeftAdapterReader adapter(bool embedding) {
    LoraSpec spec{"e", kRank, kInputs, kOutputs, 3.0};
    spec.magnitude = GetParam();
    spec.embedding = embedding;
    PeftAdapterWriter writer(dir_.path(), {}, {spec});
    writer.write("e", a_.data(), b_.data());
    if (GetParam()) writer.write_magnitude("e", m_.data());
    writer.finish();
    return PeftAdapterReader(dir_.path());
  }
  // [kOutputs, kInputs] = w + 1.5 B A, with rows of length m where there is a magnitude.
  std::vector<double> want(std::vector<double> w) const {
    for (std::int64_t i = 0; i < kOutputs; ++i) {
      double length = 0.0;
      for (std::int64_t j = 0; j < kInputs; ++j) {
        double& value = w[static_cast<std::size_t>(i * kInputs + j)];
        for (std::int64_t r = 0; r < kRank; ++r) {
          value += 1.5 * double{b_[static_cast<std::size_t>(i * kRank + r)]} *
                   double{a_[static_cast<std::size_t>(r * kInputs + j)]};
        }
        length += value * value;
      }
      if (!GetParam()) continue;
      for (std::int64_t j = 0; j < kInputs; ++j) {
        w[static_cast<std::size_t>(i * kInputs + j)] *=
            double{m_[static_cast<std::size_t>(i)]} / std::sqrt(length);
      }
    }
    return w;
  }
  static Tensor tensor(std::int64_t rows, std::int64_t cols) {
    Tensor t = Tensor::empty(DType::kF32, {rows, cols});
    const auto values = numbers(rows * cols, 4);
    std::copy(values.begin(), values.end(), t.mutable_data<float>());
    return t;
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  std::vector<float> a_, b_, m_;
};

TEST_P(MergeTest, IntoALinear) {
  Tensor w = tensor(kOutputs, kInputs);
  const std::vector<double> expected = want({w.data<float>(), w.data<float>() + w.numel()});
  const PeftAdapterReader reader = adapter(false);
  merge_low_rank(ctx_, reader.pairs().front(), w);
  for (std::int64_t i = 0; i < w.numel(); ++i) {
    EXPECT_NEAR(w.data<float>()[i], expected[static_cast<std::size_t>(i)], 1e-5);
  }
}

TEST_P(MergeTest, IntoAnEmbedding) {
  Tensor table = tensor(kInputs, kOutputs);  // a token a row
  std::vector<double> turned(static_cast<std::size_t>(kInputs * kOutputs));
  for (std::int64_t v = 0; v < kInputs; ++v) {
    for (std::int64_t d = 0; d < kOutputs; ++d) {
      turned[static_cast<std::size_t>(d * kInputs + v)] = table.data<float>()[v * kOutputs + d];
    }
  }
  const std::vector<double> expected = want(std::move(turned));
  const PeftAdapterReader reader = adapter(true);
  merge_low_rank_of_embedding(ctx_, *reader.embedding(), table);
  for (std::int64_t v = 0; v < kInputs; ++v) {
    for (std::int64_t d = 0; d < kOutputs; ++d) {
      EXPECT_NEAR(table.data<float>()[v * kOutputs + d], expected[static_cast<std::size_t>(d * kInputs + v)],
                  1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Magnitudes, MergeTest, testing::Bool());

}  // namespace
}  // namespace lq
