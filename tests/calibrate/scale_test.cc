// The scaling that calibration_stats.h promises: half of the weighted squared error is the rise of the mean
// loss per token. On text that the model itself wrote, that rise is the KL divergence to the changed model,
// here measured over small random changes of one weight.
#include <cmath>

#include "calibrate/calibration_run.h"
#include "calibrate_fixture.h"

namespace lq {
namespace {

using namespace calibrate_test;

constexpr std::int64_t kLength = 12;
constexpr std::int64_t kWindows = 500;

class ScaleTest : public testing::Test {
 protected:
  ScaleTest() {
    reference::write_random_model(machine_.pool, small_model(), dir_ / "model");
    model_ = std::make_unique<Model>(Model::load(machine_.ctx, dir_ / "model"));
  }

  // Log probabilities at every position of every window, [tokens, vocab].
  std::vector<double> log_probabilities(std::span<const std::int32_t> ids, std::int64_t length) {
    std::vector<std::int64_t> starts;
    for (std::int64_t at = 0; at <= std::ssize(ids); at += length) starts.push_back(at);
    const TokenBatch batch{ids, starts};
    const std::vector<std::int32_t> targets(ids.size(), 0);
    std::vector<float> losses(ids.size());
    std::vector<double> out(ids.size() * static_cast<std::size_t>(model_->spec().vocab));
    Workspace ws;
    model_->losses(machine_.ctx, ws, batch, targets, losses, [&](std::int64_t first, ConstMatrix logits) {
      for (std::int64_t t = 0; t < logits.rows; ++t) {
        double sum = 0.0;
        for (std::int64_t v = 0; v < logits.cols; ++v) sum += std::exp(double{logits.row(t)[v]});
        for (std::int64_t v = 0; v < logits.cols; ++v) {
          out[static_cast<std::size_t>((first + t) * logits.cols + v)] = logits.row(t)[v] - std::log(sum);
        }
      }
    });
    return out;
  }

  CalibrationWindows text_of_the_model() {
    const auto vocab = static_cast<std::size_t>(model_->spec().vocab);
    std::vector<std::vector<std::int32_t>> windows(kWindows);
    const Rng rng(77);
    std::uint64_t draw = 0;
    for (auto& w : windows) w.push_back(static_cast<std::int32_t>(rng.below(draw++, vocab)));
    for (std::int64_t length = 1; length < kLength; ++length) {
      std::vector<std::int32_t> ids;
      for (const auto& w : windows) ids.insert(ids.end(), w.begin(), w.end());
      const std::vector<double> log_p = log_probabilities(ids, length);
      for (std::size_t w = 0; w < windows.size(); ++w) {
        const double* row = log_p.data() + ((w + 1) * static_cast<std::size_t>(length) - 1) * vocab;
        double left = rng.uniform(draw++);
        std::size_t v = 0;
        while (v + 1 < vocab && (left -= std::exp(row[v])) > 0.0) ++v;
        windows[w].push_back(static_cast<std::int32_t>(v));
      }
    }
    CalibrationWindows text;
    text.seq_len = kLength;
    for (std::size_t w = 0; w < windows.size(); ++w) {
      text.numbers.push_back(static_cast<std::int64_t>(w));
      text.ids.insert(text.ids.end(), windows[w].begin(), windows[w].end());
    }
    return text;
  }

  TempDir dir_;
  Machine machine_;
  std::unique_ptr<Model> model_;
};

double sum_of(const TensorView& view, bool diagonal) {
  double sum = 0.0;
  const std::int64_t step = diagonal ? view.shape()[0] + 1 : 1;
  for (std::int64_t i = 0; i < view.numel(); i += step) {
    float x = 0.0F;
    convert_to_f32(view.dtype(), view.data, i, 1, &x);
    sum += x;
  }
  return sum;
}

TEST_F(ScaleTest, HalfTheWeightedErrorIsTheRiseOfTheLoss) {
  const CalibrationWindows text = text_of_the_model();
  Gather gather;
  gather.full_fisher = true;
  gather.held_out = false;
  const WorkStore store(dir_ / "work");
  const CalibrationPlan plan = plan_calibration(*model_, gather, text, std::int64_t{1} << 40, 0);
  CalibrationRun(machine_.ctx, *model_, text, gather, plan, store, 1e9).run();
  const std::vector<double> before = log_probabilities(text.ids, kLength);
  const auto vocab = static_cast<std::size_t>(model_->spec().vocab);

  for (const auto& [layer, name] : std::vector<std::pair<int, std::string>>{
           {0, "self_attn.v_proj"}, {1, "mlp.gate_proj"}, {2, "mlp.down_proj"}}) {
    const std::string module = fmt::format("model.layers.{}.{}", layer, name);
    const auto piece = store.get(block_piece_name(layer));
    ASSERT_TRUE(piece.has_value());
    const auto owner = BlockStatistics::modules(model_->block(layer), gather).find(module)->second.input;
    // Over independent normal changes of deviation s the mean of sum F E^2 is s^2 sum F, that of tr(G E R
    // E^T) is s^2 tr(G) tr(R).
    const double s = 1e-3;
    const double fisher = 0.5 * s * s * sum_of(piece->file.at(module + ".fisher"), false);
    const double kfac = 0.5 * s * s * sum_of(piece->file.at(module + ".output_grad_moment"), true) *
                        sum_of(piece->file.at(owner + ".input_moment"), true);

    Parameter& w = *model_->find_linear(module)->weight().parameter();
    w.make_trainable();  // its own f32 copy
    const std::vector<float> dense(w.values().begin(), w.values().end());
    std::vector<float> change(dense.size());
    double rise = 0.0;
    constexpr int kChanges = 8;
    for (int c = 0; c < kChanges; ++c) {
      Rng(5, static_cast<std::uint64_t>(c)).fill_normal(machine_.pool, change.data(), std::ssize(change));
      for (std::size_t i = 0; i < dense.size(); ++i) {
        w.value.mutable_data<float>()[i] = dense[i] + static_cast<float>(s) * change[i];
      }
      const std::vector<double> after = log_probabilities(text.ids, kLength);
      for (std::int64_t t = 0; t < std::ssize(text.ids); ++t) {
        if (t % kLength == kLength - 1) continue;  // predicts nothing
        for (std::size_t v = 0; v < vocab; ++v) {
          const std::size_t i = static_cast<std::size_t>(t) * vocab + v;
          rise += std::exp(before[i]) * (before[i] - after[i]);
        }
      }
    }
    rise /= kChanges * static_cast<double>(kWindows * (kLength - 1));
    std::ranges::copy(dense, w.value.mutable_data<float>());
    // 5,500 sampled tokens estimate the Fisher to a few per cent, as do 8 changes the mean over changes.
    EXPECT_NEAR(fisher / rise, 1.0, 0.15) << module;
    // The factors leave out how positions of one sequence go together.
    EXPECT_NEAR(kfac / rise, 1.0, 0.25) << module;
    RecordProperty(module + ".fisher", std::to_string(fisher / rise));
    RecordProperty(module + ".kfac", std::to_string(kfac / rise));
  }
}

}  // namespace
}  // namespace lq
