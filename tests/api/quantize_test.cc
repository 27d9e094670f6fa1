#include "lqlora/quantize.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "api_fixture.h"

namespace lqlora {
namespace {

constexpr std::int64_t kRows = 48, kCols = 96;

std::vector<float> random_matrix() {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> w(kRows * kCols);
  for (float& x : w) x = normal(random);
  return w;
}

double distance(const std::vector<float>& w, const Decomposition& d, std::int64_t rank) {
  double error = 0, norm = 0;
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t j = 0; j < kCols; ++j) {
      double low = 0;
      for (std::int64_t k = 0; k < rank; ++k) {
        low += static_cast<double>(d.l1[static_cast<std::size_t>(i * rank + k)]) *
               d.l2[static_cast<std::size_t>(k * kCols + j)];
      }
      const auto at = static_cast<std::size_t>(i * kCols + j);
      error += std::pow(w[at] - d.q[at] - low, 2);
      norm += std::pow(w[at], 2);
    }
  }
  return std::sqrt(error / norm);
}

// Wraps another and counts its calls.
class Wrapped : public Quantizer {
 public:
  explicit Wrapped(const Quantizer& inner) : inner_(inner) {}
  void round_trip(std::span<const float> w, std::int64_t rows, std::int64_t cols,
                  std::span<float> q) const override {
    ++calls;
    inner_.round_trip(w, rows, cols, q);
  }
  double bits_per_weight() const override { return inner_.bits_per_weight(); }
  std::string name() const override { return "wrapped"; }
  mutable int calls = 0;

 private:
  const Quantizer& inner_;
};

TEST(ApiDecompose, AQuantizerOfOnesOwnIsTreatedAsTheLibrarysOwn) {
  Context context({.threads = 3});
  const auto w = random_matrix();
  for (const char* config : {"3,8,fp32,64,256", "int-row,4"}) {
    const auto built_in = make_quantizer(config);
    const Wrapped own(*built_in);
    const Decomposition a = decompose(context, w, kRows, kCols, *built_in, {.rank = 6});
    const Decomposition b = decompose(context, w, kRows, kCols, own, {.rank = 6});
    EXPECT_GT(own.calls, 1);
    EXPECT_EQ(a.q, b.q);
    EXPECT_EQ(a.l1, b.l1);
    EXPECT_EQ(a.l2, b.l2);
    EXPECT_EQ(a.relative_error, b.relative_error);
    // The parts are those that the error is of: sums in f32 against these in double.
    EXPECT_NEAR(distance(w, a, 6), a.relative_error, 1e-6);
    const Decomposition q = decompose(context, w, kRows, kCols, *built_in, {.method = "qlora", .rank = 0});
    EXPECT_TRUE(q.l1.empty());
    EXPECT_NEAR(distance(w, q, 0), q.relative_error, 1e-6);
    EXPECT_LT(a.relative_error, q.relative_error);
  }
}

// Whatever it gives, no NaN comes back in silence.
TEST(ApiDecompose, AQuantizerOfOnesOwnGivesNumbers) {
  class Constant : public Quantizer {
   public:
    explicit Constant(float value) : value_(value) {}
    void round_trip(std::span<const float>, std::int64_t, std::int64_t, std::span<float> q) const override {
      std::fill(q.begin(), q.end(), value_);
    }
    double bits_per_weight() const override { return 1.0; }
    std::string name() const override { return "constant"; }

   private:
    float value_;
  };
  Context context({.threads = 1});
  const auto w = random_matrix();
  for (const char* method : {"lq", "qlora"}) {
    const DecomposeOptions options = {.method = method, .rank = 2};
    for (const float bad : {std::nanf(""), INFINITY, -3e38F}) {
      const std::string error =
          error_of([&] { decompose(context, w, kRows, kCols, Constant(bad), options); });
      EXPECT_NE(error.find("quantizer constant: round_trip()"), std::string::npos) << error;
    }
    EXPECT_TRUE(std::isfinite(decompose(context, w, kRows, kCols, Constant(0.5F), options).relative_error));
  }
}

TEST(ApiDecompose, RefusesWhatCannotBe) {
  Context context({.threads = 1});
  auto w = random_matrix();
  const auto q = make_quantizer("4,8,fp32,64,256");
  EXPECT_NEAR(q->bits_per_weight(), 4.127, 1e-3);
  const auto refused = [&](const DecomposeOptions& o, std::int64_t rows = kRows) {
    return error_of([&] { decompose(context, w, rows, kCols, *q, o); });
  };
  EXPECT_NE(refused({.rank = 49}).find("49"), std::string::npos);
  EXPECT_NE(refused({.rank = -1}).find("rank -1"), std::string::npos);
  EXPECT_NE(refused({.method = "magic"}).find("magic"), std::string::npos);
  EXPECT_NE(refused({}, 47).find("[47, 96]"), std::string::npos);
  for (const float scale : {1e-30F, 1e25F}) {
    std::vector<float> scaled = w;
    for (float& x : scaled) x *= scale;
    const auto error = error_of([&] { decompose(context, scaled, kRows, kCols, *q, {.rank = 2}); });
    EXPECT_EQ(error.rfind("matrix: the largest magnitude is ", 0), 0U) << error;
  }
  w[97] = std::nanf("");
  EXPECT_NE(refused({.rank = 2}).find("[1, 1]"), std::string::npos);
  EXPECT_NE(error_of([] { make_quantizer("7,8,fp32,64,256"); }).find("7"), std::string::npos);
}

TEST(ApiQuantize, MakesAPackedModelThatGeneratesAndExports) {
  Context context({.threads = 2});
  const lq::io_test::TempDir dir;
  const Checkpoint dense = Checkpoint::open(quill());
  QuantizeOptions options;
  options.config = "3,8,fp32,64,256";
  options.rank = 4;
  options.method = "lorc";  // the fastest with factors
  const QuantizeReport report = quantize(context, dense, dir / "packed", options);
  EXPECT_EQ(report.matrices.size(), 42U);
  EXPECT_NEAR(report.bits_per_weight, 3.13, 0.01);
  EXPECT_GT(report.bits_per_weight_with_low_rank, report.bits_per_weight);
  EXPECT_EQ(report.matrices[0].rank, 4);
  EXPECT_FALSE(report.already_done);
  EXPECT_TRUE(quantize(context, dense, dir / "packed", options).already_done);
  options.rank = 5;
  EXPECT_NE(error_of([&] { quantize(context, dense, dir / "packed", options); }).find("rank"),
            std::string::npos);
  options.bits = 2.5;
  EXPECT_NE(error_of([&] { quantize(context, dense, dir / "other", options); }).find("bits"),
            std::string::npos);

  QuantizeOptions two_texts;
  two_texts.self = 4;
  two_texts.data = dir / "a.txt";
  EXPECT_NE(
      error_of([&] { quantize(context, dense, dir / "other", two_texts); }).find("self excludes `data`"),
      std::string::npos);

  const Checkpoint packed = Checkpoint::open(dir / "packed");
  EXPECT_TRUE(packed.is_packed());
  const Model model = Model::load(context, packed);
  EXPECT_TRUE(model.modules()[0].packed);
  EXPECT_EQ(model.modules()[0].rank, 4);
  const Tokenizer tokenizer = Tokenizer::load(dir / "packed");
  Generator generator(model, tokenizer);
  std::string streamed;
  const Generated text = generator.generate(context, "It was a cold evening",
                                            {.max_tokens = 8, .fast = false}, [&](std::string_view piece) {
                                              streamed += piece;
                                              return true;
                                            });
  EXPECT_EQ(text.text, streamed);
  EXPECT_EQ(text.ids.size(), 8U);
  EXPECT_EQ(text.stop, "length");

  export_dense(context, packed, dir / "dense");
  const Model exported = Model::load(context, Checkpoint::open(dir / "dense"));
  EXPECT_FALSE(exported.is_packed());
  const Perplexity p =
      perplexity(context, model, tokenizer, "The sea was calm and the wind was from the north.",
                 {.seq_len = 64, .reference = &exported});
  EXPECT_GT(p.perplexity, 1.0);
  ASSERT_TRUE(p.kl.has_value());
  EXPECT_LT(*p.kl, 1e-3);  // bf16 of the sum of both parts
}

TEST(ApiQuantize, TheConfigToldIsOneThatMakesTheSameQuantizer) {
  Context context({.threads = 2});
  const lq::io_test::TempDir dir;
  const Checkpoint dense = Checkpoint::open(quill());
  const char* const name = "model.layers.0.self_attn.q_proj.weight";
  const auto w = dense.read(name);
  for (const char* formats : {"nf", "lm", "int", "int-row"}) {
    QuantizeOptions options;
    options.formats = formats;
    options.method = "qlora";
    options.rank = 0;
    options.include = {name};
    const QuantizedMatrix matrix = quantize(context, dense, dir / formats, options).matrices.at(0);
    const auto quantizer = make_quantizer(matrix.config);
    const bool named = std::string_view(formats) != "nf";
    EXPECT_EQ(matrix.config.starts_with(formats), named) << matrix.config;
    const Decomposition d =
        decompose(context, w, matrix.rows, matrix.cols, *quantizer, {.method = "qlora", .rank = 0});
    EXPECT_EQ(d.relative_error, matrix.relative_error) << matrix.config;
  }
  QuantizeOptions endless;
  endless.bits = INFINITY;
  EXPECT_EQ(error_of([&] { quantize(context, dense, dir / "out", endless); }).rfind("bits is inf", 0), 0U);
}

}  // namespace
}  // namespace lqlora
