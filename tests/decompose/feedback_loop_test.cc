// Error feedback inside decompositions, GPTQ as a method, and what is packed in the end.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "decompose_fixture.h"

namespace lq {
namespace {

using reference::Dense;
using testing_support::Workbench;

struct Problem {
  std::int64_t m = 96;
  std::int64_t n = 160;
  std::vector<float> w = reference::weight_like_matrix(m, n, 5, 1);
  Importance input = Importance::kronecker(nullptr, testing_support::correlated_factor(n, 1));
  Importance kfac = Importance::kronecker(testing_support::correlated_factor(m, 2),
                                          testing_support::correlated_factor(n, 1));
};

CodebookQuantizer quantizer(int bits, Feedback feedback, ScaleMode scales = ScaleMode::kAbsMax,
                            int block = 32) {
  CodebookConfig config = uniform_codebook_config(bits);
  config.block = block;
  return CodebookQuantizer(config, {.scales = scales, .feedback = feedback});
}

// ||W - Q - L1 L2|| / ||W|| in the importance's norm, from the packed bytes in plain loops.
double packed_error(Workbench& run, const Problem& p, const PackedMatrix& packed, const Decomposition& d,
                    const Importance& importance) {
  std::vector<float> q(p.w.size());
  packed.dequantize(run.pool, q.data());
  const Dense w(p.m, p.n, p.w.data());
  Dense e = reference::difference(w, Dense(p.m, p.n, q.data()));
  if (d.l1.numel() > 0) {
    const std::int64_t r = d.l1.dim(1);
    e = reference::difference(
        e, reference::product(Dense(p.m, r, d.l1.data<float>()), Dense(r, p.n, d.l2.data<float>())));
  }
  return reference::norm(testing_support::weigh(e, importance)) /
         reference::norm(testing_support::weigh(w, importance));
}

TEST(FeedbackLoop, WhatIsPackedHasTheReportedError) {
  const Problem p;
  for (const Importance* importance : {&p.input, &p.kfac}) {
    for (const ScaleMode scales : {ScaleMode::kAbsMax, ScaleMode::kSearch}) {
      for (const int bits : {2, 3}) {
        for (const DecomposeMethod method :
             {DecomposeMethod::kLq, DecomposeMethod::kLoftq, DecomposeMethod::kLorc, DecomposeMethod::kQlora,
              DecomposeMethod::kGptq}) {
          const bool gptq = method == DecomposeMethod::kGptq;
          const CodebookQuantizer with = quantizer(bits, gptq ? Feedback::kGptq : Feedback::kOn, scales);
          const DecomposeOptions options{
              .method = method, .rank = 6, .max_iterations = 8, .importance = importance};
          Workbench run;
          const Decomposition d = decompose(run.context, p.w.data(), p.m, p.n, with, options);
          const PackedMatrix packed = pack_decomposition(run.context, p.w.data(), p.m, p.n, d, with, options);
          const double error = packed_error(run, p, packed, d, *importance);
          EXPECT_NEAR(d.relative_weighted_error, error, 2e-5 * error + 1e-6)
              << decompose_method_name(method) << ' ' << with.name();
        }
      }
    }
  }
}

TEST(FeedbackLoop, LowersTheErrorWithAndWithoutLowRank) {
  const Problem p;
  for (const Importance* importance : {&p.input, &p.kfac}) {
    for (const std::int64_t rank : {0, 6}) {
      for (const int bits : {2, 3, 4}) {
        Workbench run;
        const DecomposeOptions options{.rank = rank, .importance = importance};
        const double off =
            decompose(run.context, p.w.data(), p.m, p.n, quantizer(bits, Feedback::kOff), options)
                .relative_weighted_error;
        const double on =
            decompose(run.context, p.w.data(), p.m, p.n, quantizer(bits, Feedback::kOn), options)
                .relative_weighted_error;
        // Beside factors that take up what matters most (the moments have four strong directions) rounding to
        // nearest may be the better way: then it is the one taken.
        if (rank == 0) {
          EXPECT_LT(on, 0.9 * off) << bits;
        } else {
          EXPECT_LE(on, off) << bits;
        }
      }
    }
  }
}

TEST(FeedbackLoop, GptqLowersTheErrorAndTakesBlocksThatCrossRows) {
  Problem p;
  for (const int block : {32, 64}) {  // 64 does not divide 160: each block then has its own scale
    Workbench run;
    const DecomposeOptions gptq{.method = DecomposeMethod::kGptq, .rank = 6, .importance = &p.input};
    const DecomposeOptions plain{.method = DecomposeMethod::kQlora, .rank = 6, .importance = &p.input};
    const CodebookQuantizer with = quantizer(3, Feedback::kGptq, ScaleMode::kAbsMax, block);
    const Decomposition d = decompose(run.context, p.w.data(), p.m, p.n, with, gptq);
    EXPECT_EQ(d.l1.numel(), 0);
    const double off = decompose(run.context, p.w.data(), p.m, p.n,
                                 quantizer(3, Feedback::kOff, ScaleMode::kAbsMax, block), plain)
                           .relative_weighted_error;
    EXPECT_LT(d.relative_weighted_error, 0.8 * off);
  }
}

// Whatever errors before it do to a block, its scale is that of its weights.
TEST(FeedbackLoop, GptqsScalesAreFixedBeforehand) {
  Problem p;
  Workbench run;
  const DecomposeOptions gptq{.method = DecomposeMethod::kGptq, .importance = &p.input};
  const CodebookQuantizer with = quantizer(3, Feedback::kGptq, ScaleMode::kAbsMax, 16);
  const Decomposition d = decompose(run.context, p.w.data(), p.m, p.n, with, gptq);
  const PackedMatrix packed = pack_decomposition(run.context, p.w.data(), p.m, p.n, d, with, gptq);
  const PackedMatrix rounded =
      quantizer(3, Feedback::kOff, ScaleMode::kAbsMax, 16).pack(run.pool, p.w.data(), p.m, p.n);
  for (const std::size_t part : {1U, 2U, 3U}) {
    EXPECT_TRUE(std::ranges::equal(packed.parts()[part].bytes, rounded.parts()[part].bytes)) << part;
  }
  EXPECT_FALSE(std::ranges::equal(packed.parts()[0].bytes, rounded.parts()[0].bytes));
}

TEST(FeedbackLoop, SameBitsOnAnyNumberOfThreads) {
  const Problem p;
  for (const DecomposeMethod method : {DecomposeMethod::kLq, DecomposeMethod::kGptq}) {
    const CodebookQuantizer with =
        quantizer(2, method == DecomposeMethod::kGptq ? Feedback::kGptq : Feedback::kOn, ScaleMode::kSearch);
    const DecomposeOptions options{.method = method, .rank = 6, .max_iterations = 4, .importance = &p.kfac};
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 7}) {
      Workbench run(threads);
      const Decomposition d = decompose(run.context, p.w.data(), p.m, p.n, with, options);
      results.emplace_back(p.w.size());
      pack_decomposition(run.context, p.w.data(), p.m, p.n, d, with, options)
          .dequantize(run.pool, results.back().data());
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
  }
}

TEST(FeedbackLoop, RefusesWhatDoesNotGoTogether) {
  const Problem p;
  const Importance diagonal = testing_support::uneven_weighting(p.m, p.n);
  const auto refused = [&](DecomposeMethod method, Feedback feedback, const Importance* importance) {
    Workbench run;
    try {
      decompose(run.context, p.w.data(), p.m, p.n, quantizer(3, feedback),
                {.method = method, .rank = 2, .max_iterations = 1, .importance = importance});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(refused(DecomposeMethod::kLq, Feedback::kOn, nullptr).find("input or kfac"), std::string::npos);
  EXPECT_NE(refused(DecomposeMethod::kLq, Feedback::kOn, &diagonal), "");
  EXPECT_NE(refused(DecomposeMethod::kGptq, Feedback::kGptq, &diagonal).find("input or kfac"),
            std::string::npos);
  EXPECT_NE(refused(DecomposeMethod::kGptq, Feedback::kOff, &p.input).find("gptq"), std::string::npos);
  EXPECT_NE(refused(DecomposeMethod::kLq, Feedback::kGptq, &p.input), "");
  EXPECT_EQ(refused(DecomposeMethod::kLq, Feedback::kOn, &p.input), "");
}

}  // namespace
}  // namespace lq
