// The whole job against plain loops in double, and its promises: the same bytes on any number of threads, in
// any amount of memory; bad input.
#include "calibrate/calibrate.h"

#include <algorithm>
#include <cmath>

#include "calibrate_fixture.h"
#include "nn/sequence_plan.h"

namespace lq {
namespace {

using namespace calibrate_test;

// Second moments by definition.
struct MomentHook final : LinearHook {
  std::map<std::string, std::vector<double>> input, output_grad, weighted;  // weighted: |dy|^2 x x^T

  static void add(std::vector<double>& sum, ConstMatrix m) {
    sum.resize(static_cast<std::size_t>(m.cols * m.cols));
    for (std::int64_t t = 0; t < m.rows; ++t) {
      for (std::int64_t i = 0; i < m.cols; ++i) {
        for (std::int64_t j = 0; j < m.cols; ++j) {
          sum[static_cast<std::size_t>(i * m.cols + j)] += double{m.row(t)[i]} * double{m.row(t)[j]};
        }
      }
    }
  }
  void on_forward(Context&, const Linear& linear, ConstMatrix x, Tokens) override {
    add(input[linear.name()], x);
  }
  void on_backward(Context&, const Linear& linear, ConstMatrix x, ConstMatrix dy, Tokens) override {
    add(output_grad[linear.name()], dy);
    std::vector<double>& sum = weighted[linear.name()];
    sum.resize(static_cast<std::size_t>(x.cols * x.cols));
    for (std::int64_t t = 0; t < x.rows; ++t) {
      double weight = 0.0;
      for (std::int64_t i = 0; i < dy.cols; ++i) weight += double{dy.row(t)[i]} * double{dy.row(t)[i]};
      for (std::int64_t i = 0; i < x.cols; ++i) {
        for (std::int64_t j = 0; j < x.cols; ++j) {
          sum[static_cast<std::size_t>(i * x.cols + j)] += weight * double{x.row(t)[i]} * double{x.row(t)[j]};
        }
      }
    }
  }
};

// Largest difference, in units of the largest magnitude expected.
template <typename Have>
double relative_difference(const std::vector<Have>& have, const std::vector<double>& want) {
  EXPECT_EQ(have.size(), want.size());
  double largest = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < std::min(have.size(), want.size()); ++i) {
    largest = std::max(largest, std::abs(want[i]));
    difference = std::max(difference, std::abs(double{have[i]} - want[i]));
  }
  return difference / largest;
}

std::vector<double> scaled(std::vector<double> v, double factor) {
  for (double& x : v) x *= factor;
  return v;
}

// Both ways compute in f32; sums run over 24 tokens a sequence.
constexpr double kClose = 2e-5;

TEST_F(CalibrateTest, EqualsTheDefinition) {
  CalibrateOptions o = options();
  o.samples = 20;
  o.full_fisher = true;
  const CalibrateReport report = calibrate(machine_.ctx, o);
  const CalibrationStats stats = CalibrationStats::open(o.out);
  // 20 of the 200 windows, every tenth; two of them held out (round 2.5 is 3).
  ASSERT_EQ(stats.held_out_sequences(), 3);
  ASSERT_EQ(stats.sequences(), 17);
  const std::vector<std::int64_t> held = {3, 10, 16};

  Model model = Model::load(machine_.ctx, o.model);
  EXPECT_EQ(stats.model_hash(), model.base_hash(machine_.ctx));
  EXPECT_EQ(report.model_hash, stats.model_hash());
  MomentHook summed;
  MomentHook held_out;
  std::map<std::string, std::vector<double>> fisher;
  double loss = 0.0;
  for (const Module& module : model.modules()) {
    if (!module.in_block()) continue;
    module.linear->weight().parameter()->make_trainable();
  }
  const std::vector<std::int64_t> starts = {0, 24};
  for (std::int64_t i = 0; i < 20; ++i) {
    const bool is_held = std::ranges::find(held, i) != held.end();
    const auto ids = ids_of(std::string_view(text_).substr(static_cast<std::size_t>(i) * 10 * 24, 24));
    for (const Module& module : model.modules()) {
      if (!module.in_block()) continue;
      Linear* const l = module.linear;
      l->set_hook(is_held ? &held_out : &summed);
      l->weight().parameter()->zero_grad();
    }
    Workspace ws;
    ModelTape tape;
    std::vector<float> losses(24);
    const TokenBatch batch{ids, starts};
    model.losses_backward(machine_.ctx, ws, tape, batch, next_token_targets(batch), 1.0F, losses);
    if (is_held) continue;
    for (const float l : losses) loss += l;
    for (const Module& module : model.modules()) {
      if (!module.in_block()) continue;
      Linear* const l = module.linear;
      std::vector<double>& f = fisher[l->name()];
      const auto grads = l->weight().parameter()->grads();
      f.resize(grads.size());
      for (std::size_t k = 0; k < grads.size(); ++k) f[k] += double{grads[k]} * double{grads[k]};
    }
  }
  EXPECT_EQ(stats.tokens(), 17 * 23);
  EXPECT_NEAR(stats.mean_loss(), loss / (17 * 23), 1e-6 * stats.mean_loss());
  const double per_token = 1.0 / (17 * 23);
  ASSERT_EQ(stats.modules().size(), 21U);
  for (const Module& module : model.modules()) {
    if (!module.in_block()) continue;
    Linear* const l = module.linear;
    const std::string& name = l->name();
    const std::int64_t rows = l->out();
    const std::int64_t cols = l->in();
    const std::vector<double> f = scaled(fisher[name], per_token);
    std::vector<double> row_means(static_cast<std::size_t>(rows));
    std::vector<double> col_means(static_cast<std::size_t>(cols));
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) {
        const double v = f[static_cast<std::size_t>(i * cols + j)];
        row_means[static_cast<std::size_t>(i)] += v / static_cast<double>(cols);
        col_means[static_cast<std::size_t>(j)] += v / static_cast<double>(rows);
      }
    }
    EXPECT_LT(relative_difference(stats.fisher(name), f), kClose) << name;
    EXPECT_LT(relative_difference(stats.fisher_rows(name), row_means), kClose) << name;
    EXPECT_LT(relative_difference(stats.fisher_cols(name), col_means), kClose) << name;
    EXPECT_LT(relative_difference(stats.input_moment(name), scaled(summed.input[name], 1.0 / (17 * 24))),
              kClose)
        << name;
    EXPECT_LT(
        relative_difference(stats.input_moment_held_out(name), scaled(held_out.input[name], 1.0 / (3 * 24))),
        kClose)
        << name;
    EXPECT_LT(
        relative_difference(stats.output_grad_moment(name), scaled(summed.output_grad[name], per_token)),
        kClose)
        << name;
    double weight = 0.0;
    for (std::int64_t i = 0; i < rows; ++i)
      weight += summed.output_grad[name][static_cast<std::size_t>(i * rows + i)];
    EXPECT_LT(
        relative_difference(stats.weighted_input_moment(name), scaled(summed.weighted[name], 1.0 / weight)),
        kClose)
        << name;
  }
  EXPECT_EQ(stats.input_owner("model.layers.1.self_attn.v_proj.weight"), "model.layers.1.self_attn.q_proj");
  EXPECT_EQ(stats.input_owner("model.layers.1.mlp.up_proj"), "model.layers.1.mlp.gate_proj");
}

TEST_F(CalibrateTest, SameBytesOnAnyThreads) {
  const std::string one = run(options("one"), 1);
  EXPECT_EQ(run(options("two"), 2), one);
  EXPECT_EQ(run(options("seven"), 7), one);
}

TEST_F(CalibrateTest, SameBytesInAnyMemory) {
  const std::string want = run(options("all"));
  for (const std::int64_t blocks : {1, 2}) {
    CalibrateOptions o = options("segments");
    o.blocks_at_once = blocks;
    EXPECT_EQ(run(o), want) << blocks;
    std::filesystem::remove(o.out);
  }
  CalibrateOptions o = options("disk");
  o.memory_bytes = 1;  // nothing fits: one block at once, activations on disk
  const CalibrateReport report = calibrate(machine_.ctx, o);
  EXPECT_EQ(report.need.blocks_at_once, 1);
  EXPECT_TRUE(report.need.boundaries_on_disk);
  EXPECT_EQ(get_file(o.out), want);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "disk.work"));
}

TEST_F(CalibrateTest, GathersWhatIsAskedFor) {
  calibrate(machine_.ctx, options("all"));
  const CalibrationStats all = CalibrationStats::open(dir_ / "all");
  const std::string name = "model.layers.2.mlp.down_proj";

  CalibrateOptions o = options("input");
  o.fisher = o.output_grad_moment = false;
  for (const std::int64_t blocks : {0, 1}) {
    o.blocks_at_once = blocks;
    calibrate(machine_.ctx, o);
    const CalibrationStats input = CalibrationStats::open(o.out);
    for (const auto& [module, m] : all.modules()) {
      EXPECT_EQ(input.input_moment(module), all.input_moment(module)) << module;
      EXPECT_EQ(input.input_moment_held_out(module), all.input_moment_held_out(module)) << module;
    }
    EXPECT_FALSE(input.has_fisher(name));
    EXPECT_FALSE(input.has_output_grad_moment(name));
    EXPECT_FALSE(input.has_weighted_input_moment(name));
    expect_error(ErrorCode::kNotFound, {"input", name, "fisher_rows"}, [&] { input.fisher_rows(name); });
    std::filesystem::remove(o.out);
  }

  o = options("grad");
  o.fisher = o.input_moment = false;
  o.modules = {name + ".weight", "model.layers.0.self_attn.v_proj"};
  calibrate(machine_.ctx, o);
  const CalibrationStats grad = CalibrationStats::open(o.out);
  EXPECT_EQ(grad.modules().size(), 2U);
  EXPECT_EQ(grad.output_grad_moment(name), all.output_grad_moment(name));
  EXPECT_FALSE(grad.has_weighted_input_moment(name));
  std::filesystem::remove(o.out);
  o.weighted_input_moment = true;
  calibrate(machine_.ctx, o);
  const CalibrationStats weighted = CalibrationStats::open(o.out);
  EXPECT_EQ(weighted.weighted_input_moment(name), all.weighted_input_moment(name));
  EXPECT_FALSE(weighted.has_input_moment(name));

  o = options("one_input");
  o.modules = {"model.layers.0.self_attn.v_proj"};
  o.hold_out = 0.0;
  calibrate(machine_.ctx, o);
  const CalibrationStats one = CalibrationStats::open(o.out);
  EXPECT_EQ(one.input_owner(o.modules[0]), o.modules[0]);
  EXPECT_TRUE(one.has_input_moment(o.modules[0]));
  EXPECT_FALSE(one.has_held_out(o.modules[0]));
}

TEST_F(CalibrateTest, DoneTwiceIsDoneOnce) {
  const std::string first = run(options());
  const CalibrateReport again = calibrate(machine_.ctx, options());
  EXPECT_TRUE(again.already_done);
  EXPECT_GT(again.mean_loss, 0.0);
  EXPECT_EQ(get_file(dir_ / "stats"), first);
  CalibrateOptions other = options();
  other.samples = 20;
  EXPECT_FALSE(calibrate(machine_.ctx, other).already_done);
  EXPECT_NE(get_file(dir_ / "stats"), first);
  // A damaged result is made again.
  std::filesystem::resize_file(dir_ / "stats", 1000);
  expect_error(ErrorCode::kInvalidArgument, {"stats", "left alone"},
               [&] { calibrate(machine_.ctx, options()); });
}

TEST_F(CalibrateTest, PackedModelsPassWithoutTheirAdapter) {
  auto m = small_model();
  m.bits = 4;
  reference::write_random_model(machine_.pool, m, dir_ / "packed");
  write_tokenizer(dir_ / "packed");
  // What would be refused if it were looked at.
  put_file(dir_ / "packed" / "adapter" / "adapter_config.json", "{}");
  CalibrateOptions o = options();
  o.model = dir_ / "packed";
  o.samples = 20;
  calibrate(machine_.ctx, o);
  const CalibrationStats stats = CalibrationStats::open(o.out);
  ModelLoadOptions load;
  load.no_adapter = true;
  EXPECT_EQ(stats.model_hash(), Model::load(machine_.ctx, o.model, load).base_hash(machine_.ctx));
  stats.check_model(stats.model_hash(), stats.config_hash());
  stats.check_model(stats.model_hash(), "");
  const std::string other(32, '7');
  expect_error(ErrorCode::kMismatch, {"stats", other, stats.model_hash()},
               [&] { stats.check_model(other, ""); });
  expect_error(ErrorCode::kMismatch, {"stats", "config.json has changed"},
               [&] { stats.check_model(stats.model_hash(), other); });
}

TEST_F(CalibrateTest, LayersThatNeverFireAreKeptAndNamed) {
  edit_tensor(dir_ / "model", "model.layers.1.input_layernorm.weight",
              [](std::vector<float>& v) { std::ranges::fill(v, 0.0F); });
  const CalibrateReport report = calibrate(machine_.ctx, options());
  const std::vector<std::string>& silent = report.silent;
  EXPECT_NE(std::ranges::find(silent, "model.layers.1.self_attn.q_proj"), silent.end());
  EXPECT_NE(std::ranges::find(silent, "model.layers.1.self_attn.v_proj"), silent.end());
  EXPECT_EQ(std::ranges::find(silent, "model.layers.0.self_attn.q_proj"), silent.end());
  EXPECT_EQ(std::ranges::find(silent, "model.layers.1.mlp.up_proj"), silent.end());
  const CalibrationStats stats = CalibrationStats::open(dir_ / "stats");
  EXPECT_EQ(stats.silent_modules(), silent);
  for (const float x : stats.input_moment("model.layers.1.self_attn.k_proj")) ASSERT_EQ(x, 0.0F);
}

TEST_F(CalibrateTest, NaNIsRefusedWithItsLayer) {
  const float nan = std::nanf("");
  edit_tensor(dir_ / "model", "model.layers.1.self_attn.v_proj.weight", [&](auto& v) { v[3] = nan; });
  for (const std::int64_t blocks : {0, 1}) {
    CalibrateOptions o = options();
    o.blocks_at_once = blocks;
    expect_error(ErrorCode::kInvalidArgument, {"model.layers.1.self_attn.o_proj", "NaN", "windows 0, 1"},
                 [&] { calibrate(machine_.ctx, o); });
  }
  edit_tensor(dir_ / "model", "model.layers.1.self_attn.v_proj.weight", [&](auto& v) { v[3] = 0.0F; });
  edit_tensor(dir_ / "model", "lm_head.weight", [&](auto& v) { v[70] = nan; });
  expect_error(ErrorCode::kInvalidArgument, {"lm_head", "loss", "window"},
               [&] { calibrate(machine_.ctx, options()); });
}

TEST_F(CalibrateTest, BadInputIsRefused) {
  const auto refused = [&](ErrorCode code, std::initializer_list<std::string_view> parts,
                           const std::function<void(CalibrateOptions&)>& change) {
    CalibrateOptions o = options();
    change(o);
    expect_error(code, parts, [&] { calibrate(machine_.ctx, o); });
    EXPECT_FALSE(std::filesystem::exists(dir_ / "stats"));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "stats.work"));
  };
  put_file(dir_ / "short.txt", random_text(23));
  refused(ErrorCode::kInvalidArgument, {"short.txt", "23 tokens", "one window of 24"},
          [&](auto& o) { o.data = {dir_ / "short.txt"}; });
  put_file(dir_ / "empty.txt", "");
  refused(ErrorCode::kInvalidArgument, {"empty.txt", "0 tokens"},
          [&](auto& o) { o.data = {dir_ / "empty.txt"}; });
  refused(ErrorCode::kInvalidArgument, {"65 tokens", "context of 64"}, [](auto& o) { o.seq_len = 65; });
  refused(ErrorCode::kInvalidArgument, {"seq-len"}, [](auto& o) { o.seq_len = 1; });
  refused(ErrorCode::kInvalidArgument, {"samples"}, [](auto& o) { o.samples = 0; });
  refused(ErrorCode::kInvalidArgument, {"hold-out"}, [](auto& o) { o.hold_out = 1.0; });
  refused(ErrorCode::kInvalidArgument, {"data"}, [](auto& o) { o.data.clear(); });
  refused(ErrorCode::kNotFound, {"nowhere.txt"}, [&](auto& o) { o.data = {dir_ / "nowhere.txt"}; });
  refused(ErrorCode::kNotFound, {"model.layers.7.mlp.up_proj"},
          [](auto& o) { o.modules = {"model.layers.7.mlp.up_proj.weight"}; });
  refused(ErrorCode::kInvalidArgument, {"nothing was asked for"},
          [](auto& o) { o.fisher = o.input_moment = o.output_grad_moment = false; });
  refused(ErrorCode::kInvalidArgument, {"text.txt", "no statistics file", "left alone"},
          [&](auto& o) { o.out = dir_ / "text.txt"; });
  refused(ErrorCode::kInvalidArgument, {"model", "is a folder"}, [&](auto& o) { o.out = dir_ / "model"; });
  EXPECT_EQ(get_file(dir_ / "text.txt"), text_);
}

}  // namespace
}  // namespace lq
