// Heads over whole sequences against a reference in double and its central differences.
#include "nn/heads/label_head.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/progress.h"
#include "nn/dense_weight.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using reference::normals;
using reference::relative_difference;

constexpr std::int64_t kHeadWidth = 5, kHeadLabels = 3;

struct HeadParts {
  Parameter dense, dense_bias, classifier, classifier_bias;
  std::int64_t outputs;

  explicit HeadParts(std::int64_t n) : outputs(n) {
    fill(dense, {kHeadWidth, kHeadWidth}, 1);
    fill(dense_bias, {kHeadWidth}, 2);
    fill(classifier, {n, kHeadWidth}, 3);
    fill(classifier_bias, {n}, 4);
  }
  static void fill(Parameter& p, const Shape& shape, std::uint64_t stream) {
    p.value = Tensor::empty(DType::kF32, shape);
    const auto values = normals(static_cast<std::size_t>(p.value.numel()), stream);
    std::copy(values.begin(), values.end(), p.value.mutable_data<float>());
    p.make_trainable();
  }
  std::vector<Parameter*> all() { return {&dense, &dense_bias, &classifier, &classifier_bias}; }
  LabelHead head(HeadActivation activation) {
    return {Linear("dense", std::make_unique<DenseWeight>(dense), &dense_bias), activation,
            Linear("classifier", std::make_unique<DenseWeight>(classifier), &classifier_bias), outputs == 1};
  }
};

// Sum of the losses in double, of numbers in the order of HeadParts::all() and x.
double head_loss(const std::vector<std::vector<double>>& w, HeadActivation activation, std::int64_t outputs,
                 const std::vector<std::int64_t>& starts, const std::vector<float>& labels) {
  double sum = 0.0;
  const std::vector<double>& x = w[4];
  for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
    std::vector<double> pooled(kHeadWidth), logits(static_cast<std::size_t>(outputs));
    for (std::size_t i = 0; i < kHeadWidth; ++i) {
      double z = w[1][i];
      for (std::size_t k = 0; k < kHeadWidth; ++k) {
        z += w[0][i * kHeadWidth + k] * x[static_cast<std::size_t>(starts[s]) * kHeadWidth + k];
      }
      pooled[i] = activation == HeadActivation::kTanh ? std::tanh(z) : std::max(z, 0.0);
    }
    double sum_exp = 0.0;
    for (std::size_t c = 0; c < logits.size(); ++c) {
      logits[c] = w[3][c];
      for (std::size_t k = 0; k < kHeadWidth; ++k) logits[c] += w[2][c * kHeadWidth + k] * pooled[k];
      sum_exp += std::exp(logits[c]);
    }
    const double label = labels[s];
    sum += outputs == 1 ? (logits[0] - label) * (logits[0] - label)
                        : std::log(sum_exp) - logits[static_cast<std::size_t>(label)];
  }
  return sum;
}

void check_head(HeadActivation activation, std::int64_t outputs) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  HeadParts parts(outputs);
  LabelHead head = parts.head(activation);
  const std::vector<std::int64_t> starts = {0, 3, 4, 9};
  const std::vector<float> labels =
      outputs == 1 ? std::vector<float>{0.5F, -1.0F, 3.0F} : std::vector<float>{2, 0, 1};
  const std::vector<float> x = normals(9 * kHeadWidth, 7);
  const ConstMatrix input{x.data(), 9, kHeadWidth};
  std::vector<float> losses(3), again(3), out(static_cast<std::size_t>(3 * outputs)), dx(x.size(), 9.0F);
  head.loss(ctx, ws, input, starts, labels, losses, {out.data(), 3, outputs});
  const float scale = 0.5F;
  head.loss_backward(ctx, ws, input, starts, labels, scale, again, {dx.data(), 9, kHeadWidth});
  EXPECT_EQ(losses, again);

  std::vector<std::vector<double>> w;
  for (Parameter* p : parts.all()) w.emplace_back(p->values().begin(), p->values().end());
  w.emplace_back(x.begin(), x.end());
  EXPECT_NEAR(losses[0] + losses[1] + losses[2], head_loss(w, activation, outputs, starts, labels), 1e-5);
  std::vector<std::vector<float>> have;
  for (Parameter* p : parts.all()) have.emplace_back(p->grads().begin(), p->grads().end());
  have.push_back(dx);
  for (std::size_t part = 0; part < w.size(); ++part) {
    std::vector<double> want;
    for (double& value : w[part]) {
      const double kept = value, step = 1e-6;
      value = kept + step;
      const double above = head_loss(w, activation, outputs, starts, labels);
      value = kept - step;
      const double below = head_loss(w, activation, outputs, starts, labels);
      value = kept;
      want.push_back(scale * (above - below) / (2.0 * step));
    }
    EXPECT_LT(relative_difference(have[part], want), 1e-5) << "part " << part;
  }
}

TEST(LabelHead, ClassesBehindTanh) { check_head(HeadActivation::kTanh, kHeadLabels); }
TEST(LabelHead, ClassesBehindRelu) { check_head(HeadActivation::kRelu, kHeadLabels); }
TEST(LabelHead, ANumber) { check_head(HeadActivation::kTanh, 1); }

TEST(LabelHead, RefusesALabelThatIsNoClass) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  HeadParts parts(kHeadLabels);
  const LabelHead head = parts.head(HeadActivation::kTanh);
  const std::vector<float> x = normals(kHeadWidth, 1);
  const std::vector<std::int64_t> starts = {0, 1};
  std::vector<float> losses(1), out(kHeadLabels);
  for (const float label : {3.0F, -1.0F, 0.5F}) {
    const std::vector<float> labels = {label};
    EXPECT_THROW(
        head.loss(ctx, ws, {x.data(), 1, kHeadWidth}, starts, labels, losses, {out.data(), 1, kHeadLabels}),
        Error);
  }
}

}  // namespace
}  // namespace lq
