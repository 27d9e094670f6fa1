// The model's own samples against one sequence at a time in plain loops, and a calibration by them: the same
// bytes on any number of threads, interrupted or not.
#include "calibrate/self_samples.h"

#include <atomic>
#include <cmath>
#include <set>

#include "calibrate_fixture.h"
#include "files/json_file.h"

namespace lq {
namespace {

using namespace calibrate_test;
namespace fs = std::filesystem;

// Counts what is sampled, keeps the notes, and asks to stop at the n-th report of sampling.
class Watch final : public Progress {
 public:
  explicit Watch(int stop_at = 0) : left_(stop_at) {}
  void begin(std::string_view stage, std::int64_t, std::string_view) override {
    sampling_ = stage == "sample";
    if (sampling_) ++stages;
  }
  void update(std::int64_t, std::string_view) override {
    if (!sampling_) return;
    ++steps;
    if (--left_ == 0) stop = true;
  }
  void end() override { sampling_ = false; }
  void note(std::string_view line) override { notes += std::string(line) + "\n"; }
  int stages = 0, steps = 0;
  std::string notes;
  std::atomic<bool> stop{false};

 private:
  bool sampling_ = false;
  int left_;
};

class SelfSamplesTest : public CalibrateTest {
 protected:
  CalibrateOptions self_options(const std::string& out = "self", std::int64_t sequences = 70) const {
    CalibrateOptions o = options(out);
    o.data.clear();
    o.self = sequences;
    return o;
  }
  void drop_bos() {
    JsonValue config = read_json(dir_ / "model/config.json");
    config.erase("bos_token_id");
    put_file(dir_ / "model/config.json", config.dump());
  }
  using JsonValue = nlohmann::json;

  // The samples of `sequences` sequences of `seq_len` tokens.
  std::vector<std::int32_t> samples(std::int64_t sequences, std::int64_t seq_len, std::uint64_t seed,
                                    const std::string& store) {
    Context ctx{machine_.pool, machine_.progress, seed, {}};
    const Model model = Model::load(ctx, dir_ / "model");
    const auto tokenizer = Tokenizer::load(dir_ / "model");
    return self_samples(ctx, model, plan_self_sampling(model, *tokenizer, sequences, seq_len),
                        WorkStore(dir_ / store));
  }
};

TEST_F(SelfSamplesTest, AreDrawnFromWhatTheModelPredicts) {
  constexpr std::int64_t kSequences = 40, kLength = 12;
  const std::vector<std::int32_t> have = samples(kSequences, kLength, 5, "store");
  ASSERT_EQ(std::ssize(have), kSequences * kLength);
  const Model model = Model::load(machine_.ctx, dir_ / "model");
  const Rng rng(5, stream_of("calibrate self"));
  Workspace ws;
  Tensor logits = Tensor::empty(DType::kF32, {1, 97});
  for (std::int64_t i = 0; i < kSequences; ++i) {
    KvCache cache = model.make_cache(kLength);
    std::int32_t token = 1;  // config.json's bos_token_id
    for (std::int64_t t = 0; t < kLength; ++t) {
      ASSERT_EQ(have[static_cast<std::size_t>(i * kLength + t)], token) << i << ", " << t;
      model.decode(machine_.ctx, ws, cache, {&token, 1}, {logits.mutable_data<float>(), 1, 97});
      double total = 0.0;
      for (int v = 0; v < 97; ++v) total += std::exp(double{logits.data<float>()[v]});
      const double u = rng.uniform(static_cast<std::uint64_t>(i * kLength + t + 1)) * total;
      double sum = 0.0;
      for (token = 0; token < 96; ++token) {
        sum += std::exp(double{logits.data<float>()[token]});
        if (sum > u) break;
      }
    }
  }
  EXPECT_NE(samples(kSequences, kLength, 6, "other"), have) << "the seed draws them";
}

TEST_F(SelfSamplesTest, BeginWithTheTokenizersTokenOrADrawnOne) {
  drop_bos();
  const std::vector<std::int32_t> drawn = samples(40, 4, 0, "drawn");
  std::set<std::int32_t> first;
  for (std::size_t i = 0; i < drawn.size(); i += 4) {
    EXPECT_GE(drawn[i], 0);
    EXPECT_LT(drawn[i], 97);
    first.insert(drawn[i]);
  }
  EXPECT_GT(first.size(), 20U);
  put_file(dir_ / "model/tokenizer_config.json", R"({"bos_token": "B"})");
  const std::vector<std::int32_t> begun = samples(40, 4, 0, "begun");
  for (std::size_t i = 0; i < begun.size(); i += 4) EXPECT_EQ(begun[i], 'B' - kFirstChar);
}

TEST_F(SelfSamplesTest, BatchesFollowFromTheModelAlone) {
  const Model model = Model::load(machine_.ctx, dir_ / "model");
  const auto tokenizer = Tokenizer::load(dir_ / "model");
  const SelfSampling s = plan_self_sampling(model, *tokenizer, 70, 24);
  EXPECT_EQ(s.batches(), 3);
  EXPECT_EQ(s.together, 24) << "nearly equal, 32 at most";
  EXPECT_EQ(s.tokens(), 70 * 24);
  // Keys and values of three layers, two heads of 16, for 24 tokens.
  EXPECT_GT(s.memory_bytes, 24 * 2 * 3 * 32 * 24 * 4);
}

TEST_F(SelfSamplesTest, TheSameStatisticsOnOneAndTwoThreads) {
  const std::string one = run(self_options("one"), 1);
  EXPECT_EQ(run(self_options("two"), 2), one);
  EXPECT_EQ(run(self_options("three"), 3), one);
}

TEST_F(SelfSamplesTest, EqualThoseOfTheSameIdsAsAText) {
  // A letter for each of the two ids that the tokenizer lacks: then all samples can be written down.
  JsonValue tokenizer = read_json(dir_ / "model/tokenizer.json");
  tokenizer["model"]["vocab"]["\u00e9"] = kChars;
  tokenizer["model"]["vocab"]["\u00f1"] = kChars + 1;
  put_file(dir_ / "model/tokenizer.json", tokenizer.dump());
  constexpr std::int64_t kSequences = 10;
  std::string text;
  for (const std::int32_t id : samples(kSequences, 24, 0, "ids")) {
    text += id < kChars    ? std::string(1, static_cast<char>(kFirstChar + id))
            : id == kChars ? "\u00e9"
                           : "\u00f1";
  }
  put_file(dir_ / "samples.txt", text);
  CalibrateOptions by_text = options("by_text");
  by_text.data = {dir_ / "samples.txt"};
  run(by_text);
  run(self_options("by_self", kSequences));
  const CalibrationStats want = CalibrationStats::open(by_text.out);
  const CalibrationStats have = CalibrationStats::open(dir_ / "by_self");
  EXPECT_EQ(have.sequences(), want.sequences());
  EXPECT_EQ(have.held_out_sequences(), want.held_out_sequences());
  EXPECT_EQ(have.tokens(), want.tokens());
  EXPECT_EQ(have.mean_loss(), want.mean_loss());
  for (const auto& [name, module] : have.modules()) {
    EXPECT_EQ(have.fisher_rows(name), want.fisher_rows(name)) << name;
    EXPECT_EQ(have.input_moment(name), want.input_moment(name)) << name;
    EXPECT_EQ(have.input_moment_held_out(name), want.input_moment_held_out(name)) << name;
    EXPECT_EQ(have.output_grad_moment(name), want.output_grad_moment(name)) << name;
  }
}

TEST_F(SelfSamplesTest, InterruptedSamplingGoesOn) {
  const std::string want = run(self_options("want"));
  const CalibrateOptions o = self_options();
  // 24 reports a batch: each run finishes one of the three, and is stopped in the next.
  int runs = 0;
  for (bool ended = false; !ended && runs < 5; ++runs) {
    Watch watch(30);
    ThreadPool pool(2);
    Context ctx{pool, watch, 0, StopToken(&watch.stop)};
    try {
      calibrate(ctx, o);
      ended = true;
    } catch (const Error& e) {
      ASSERT_EQ(static_cast<int>(e.code()), static_cast<int>(ErrorCode::kInterrupted)) << e.what();
      EXPECT_EQ(watch.stages, 1);
      EXPECT_FALSE(fs::exists(o.out));
    }
  }
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(get_file(o.out), want);
  EXPECT_FALSE(fs::exists(o.out.string() + ".work"));
}

TEST_F(SelfSamplesTest, NothingIsSampledTwice) {
  CalibrateOptions o = self_options();
  o.blocks_at_once = 1;
  // Stopped when all is sampled, as the sums are made.
  {
    Watch watch(72);
    Context ctx{machine_.pool, watch, 0, StopToken(&watch.stop)};
    EXPECT_THROW(calibrate(ctx, o), Error);
  }
  {
    Watch watch;
    Context ctx{machine_.pool, watch, 0, {}};
    EXPECT_FALSE(calibrate(ctx, o).already_done);
    EXPECT_EQ(watch.steps, 0);
    EXPECT_NE(watch.notes.find("70 sequences of 24 tokens itself first, 1680 tokens in all"),
              std::string::npos)
        << watch.notes;
    EXPECT_EQ(watch.notes.find("sampling takes"), std::string::npos) << "nothing is left to sample";
  }
  Watch watch;
  Context ctx{machine_.pool, watch, 0, {}};
  EXPECT_TRUE(calibrate(ctx, o).already_done);
  EXPECT_EQ(watch.stages, 0);
  // Another seed and another number are other jobs.
  Context other{machine_.pool, watch, 1, {}};
  EXPECT_FALSE(calibrate(other, o).already_done);
  EXPECT_NE(watch.notes.find("sampling takes about"), std::string::npos);
  CalibrateOptions more = o;
  more.self = 71;
  EXPECT_FALSE(calibrate(other, more).already_done);
}

TEST_F(SelfSamplesTest, WhatIsRefused) {
  const auto refused = [&](std::initializer_list<std::string_view> parts, const CalibrateOptions& o) {
    expect_error(ErrorCode::kInvalidArgument, parts, [&] { calibrate(machine_.ctx, o); });
    EXPECT_FALSE(fs::exists(o.out.string() + ".work"));
  };
  CalibrateOptions both = self_options();
  both.data = {dir_ / "text.txt"};
  refused({"self excludes `data`"}, both);
  CalibrateOptions neither = self_options();
  neither.self = 0;
  refused({"data names no text", "`self`"}, neither);
  CalibrateOptions negative = self_options();
  negative.self = -3;
  refused({"self is -3"}, negative);
  CalibrateOptions longer = self_options();
  longer.seq_len = 65;
  refused({"65 tokens", "context of 64"}, longer);
  edit_tensor(dir_ / "model", "lm_head.weight", [](auto& v) { v[70] = std::nanf(""); });
  expect_error(ErrorCode::kInvalidArgument, {"self", "token 1 of sequence", "not finite"},
               [&] { calibrate(machine_.ctx, self_options()); });
}

}  // namespace
}  // namespace lq
