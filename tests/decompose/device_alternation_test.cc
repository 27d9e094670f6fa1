#include "decompose/device_alternation.h"

#include <bit>

#include "base/error.h"
#include "decompose/held_out.h"
#include "decompose/sweep.h"
#include "device_fixture.h"
#include "quant/format_set.h"

namespace lq {
namespace {

using reference::Dense;
using DeviceAlternationDevice = testing_support::DeviceTest;

enum class Norm { kPlain, kDiagonal, kInput, kKfac };

Importance norm_of(Norm norm, std::int64_t m, std::int64_t n) {
  const auto factor = [](std::int64_t size) { return testing_support::correlated_factor(size, 5); };
  switch (norm) {
    case Norm::kPlain:
      return {};
    case Norm::kDiagonal:
      return testing_support::uneven_weighting(m, n);
    case Norm::kInput:
      return Importance::kronecker(nullptr, factor(n));
    case Norm::kKfac:
      return Importance::kronecker(factor(m), factor(n));
  }
  return {};
}

DecomposeOptions options_for(const Importance& importance, std::int64_t rank) {
  DecomposeOptions o;
  o.rank = rank;
  o.stream = 3;
  if (!importance.plain()) o.importance = &importance;
  return o;
}

// Two iterations, and what the packed matrix and the factors have: within 1e-4 (of the norms of correlated
// inputs within 1e-3, for factors leave next to nothing there). To the end: there roundings have flipped
// codes, and the alternation has gone another way, which may end a little lower or higher.
TEST_F(DeviceAlternationDevice, DecomposesAsWellAsTheProcessor) {
  const std::int64_t m = 131;
  const std::int64_t n = 150;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 6, 1);
  struct Case {
    int bits;
    ScaleMode scales;
    int iterations;
  };
  for (const Norm norm : {Norm::kPlain, Norm::kDiagonal, Norm::kInput, Norm::kKfac}) {
    const Importance importance = norm_of(norm, m, n);
    for (const Case& c : {Case{2, ScaleMode::kAbsMax, 2}, Case{3, ScaleMode::kSearch, 2},
                          Case{4, ScaleMode::kAbsMax, 2}, Case{3, ScaleMode::kAbsMax, 0}}) {
      const CodebookQuantizer quantizer(uniform_codebook_config(c.bits), {.scales = c.scales});
      DecomposeOptions options = options_for(importance, 9);
      options.max_iterations = c.iterations;
      const Decomposition want = decompose(run_.context, w.data(), m, n, quantizer, options);
      const Decomposition have = decompose(there_, w.data(), m, n, quantizer, options);
      const std::string who = quantizer.name() + " norm " + std::to_string(static_cast<int>(norm));
      EXPECT_NEAR(have.squared_norm, want.squared_norm, 1e-6 * want.squared_norm) << who;
      EXPECT_NEAR(have.squared_weighted_norm, want.squared_weighted_norm, 1e-5 * want.squared_weighted_norm);
      EXPECT_NEAR(have.relative_weighted_error, want.relative_weighted_error,
                  (c.iterations == 0   ? 0.05
                   : importance.full() ? 1e-3
                                       : 1e-4) *
                      want.relative_weighted_error)
          << who << ": " << have.iterations << " and " << want.iterations << " iterations";
      const PackedMatrix q = pack_decomposition(there_, w.data(), m, n, have, quantizer, options);
      std::vector<float> values(w.size());
      q.dequantize(run_.pool, values.data());
      const Dense dense(m, n, w.data());
      Dense e = reference::difference(dense, Dense(m, n, values.data()));
      e = reference::difference(
          e, reference::product(Dense(m, 9, have.l1.data<float>()), Dense(9, n, have.l2.data<float>())));
      const double plain = reference::norm(e) / reference::norm(dense);
      const double weighted = reference::norm(testing_support::weigh(e, importance)) /
                              reference::norm(testing_support::weigh(dense, importance));
      EXPECT_NEAR(have.relative_error, plain, 1e-4 * plain) << who;
      EXPECT_NEAR(have.relative_weighted_error, weighted, 1e-4 * weighted) << who;
    }
  }
}

TEST_F(DeviceAlternationDevice, TheSameBitsInEveryRun) {
  const std::int64_t m = 70;
  const std::int64_t n = 90;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 2);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  DecomposeOptions options;
  options.rank = 6;
  options.factors = DType::kBf16;
  const Decomposition a = decompose(there_, w.data(), m, n, quantizer, options);
  const Decomposition b = decompose(there_, w.data(), m, n, quantizer, options);
  EXPECT_EQ(a.trace, b.trace);
  EXPECT_EQ(a.relative_error, b.relative_error);
  for (std::int64_t i = 0; i < a.l1.numel(); ++i) {
    ASSERT_EQ(a.l1.data<float>()[i], b.l1.data<float>()[i]);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a.l1.data<float>()[i]) & 0xffffU, 0U);
  }
  options.errors_only = true;
  const Decomposition errors = decompose(there_, w.data(), m, n, quantizer, options);
  EXPECT_EQ(errors.relative_error, a.relative_error);
  EXPECT_EQ(errors.packed.rows(), 0);
}

// Codes that no kernel chooses, whole numbers, are the processor's; trellis codes and feedback are the
// device's.
TEST_F(DeviceAlternationDevice, TakesCodesOfAnyQuantizer) {
  const std::int64_t m = 64;
  const std::int64_t n = 96;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 3);
  const Importance importance = norm_of(Norm::kKfac, m, n);
  const std::pair<QuantChoice, Feedback> choices[] = {{{"int-row", "4"}, Feedback::kOff},
                                                      {FormatSet({"tcq"}).uniform(2), Feedback::kOn},
                                                      {FormatSet().uniform(3), Feedback::kOn}};
  for (const auto& [choice, feedback] : choices) {
    const auto quantizer = make_quantizer(choice, {.scales = ScaleMode::kAbsMax, .feedback = feedback});
    DecomposeOptions options = options_for(importance, 5);
    options.max_iterations = 2;
    const Decomposition want = decompose(run_.context, w.data(), m, n, *quantizer, options);
    const Decomposition have = decompose(there_, w.data(), m, n, *quantizer, options);
    EXPECT_NEAR(have.relative_weighted_error, want.relative_weighted_error,
                1e-3 * want.relative_weighted_error)
        << choice.name();
    EXPECT_EQ(pack_decomposition(there_, w.data(), m, n, have, *quantizer, options).choice(), choice);
  }
}

// Without factors too: what feedback chooses there is measured there, and packed as it is.
TEST_F(DeviceAlternationDevice, RoundsOnceWhereThatTakesTime) {
  const std::int64_t m = 48;
  const std::int64_t n = 200;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 9);
  for (const Norm norm : {Norm::kPlain, Norm::kInput, Norm::kKfac}) {
    const Importance importance = norm_of(norm, m, n);
    const Feedback feedback = importance.full() ? Feedback::kOn : Feedback::kOff;
    for (const QuantChoice& choice : {QuantChoice{"tcq", "2,10,64"}, FormatSet().uniform(3)}) {
      const auto quantizer = make_quantizer(choice, {.scales = ScaleMode::kAbsMax, .feedback = feedback});
      const DecomposeOptions options = options_for(importance, 0);
      const Decomposition want = decompose(run_.context, w.data(), m, n, *quantizer, options);
      const Decomposition have = decompose(there_, w.data(), m, n, *quantizer, options);
      const Decomposition again = decompose(there_, w.data(), m, n, *quantizer, options);
      EXPECT_EQ(have.relative_weighted_error, again.relative_weighted_error);
      EXPECT_NEAR(have.relative_weighted_error, want.relative_weighted_error,
                  (importance.full() ? 0.03 : 1e-6) * want.relative_weighted_error)
          << quantizer->name();
      std::vector<float> values(w.size());
      pack_decomposition(there_, w.data(), m, n, have, *quantizer, options)
          .dequantize(run_.pool, values.data());
      const Dense e = reference::difference(Dense(m, n, w.data()), Dense(m, n, values.data()));
      const double weighted = reference::norm(testing_support::weigh(e, importance)) /
                              reference::norm(testing_support::weigh(Dense(m, n, w.data()), importance));
      EXPECT_NEAR(have.relative_weighted_error, weighted, 1e-4 * weighted) << quantizer->name();
    }
  }
}

TEST_F(DeviceAlternationDevice, HeldOutErrorsAreTheProcessors) {
  const std::int64_t m = 65;
  const std::int64_t n = 90;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 6);
  const auto factor = testing_support::correlated_factor(n, 8);
  const Dense s(n, n, factor->values().data());
  const Dense moment = reference::product(s, reference::transpose(s));
  const std::vector<float> r(moment.v.begin(), moment.v.end());
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  for (const std::int64_t rank : {0, 5}) {
    DecomposeOptions options;
    options.rank = rank;
    const Decomposition d = decompose(run_.context, w.data(), m, n, quantizer, options);
    const PackedMatrix q = pack_decomposition(run_.context, w.data(), m, n, d, quantizer, options);
    const double want = held_out_error(run_.context, w.data(), m, n, q, d, r);
    EXPECT_NEAR(held_out_error(there_, w.data(), m, n, q, d, r), want, 1e-4 * want);
    const std::vector<float> zero(w.size(), 0.0F);
    EXPECT_EQ(held_out_error(there_, zero.data(), m, n, q, d, r), 0.0);
  }
}

TEST_F(DeviceAlternationDevice, SweepsAsTheProcessor) {
  const std::int64_t m = 70;
  const std::int64_t n = 80;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 4);
  std::vector<QuantChoice> choices = {
      FormatSet().uniform(2), {"nf", "3,4,fp16,32,64"}, FormatSet().uniform(4)};
  for (const std::int64_t rank : {0, 6}) {
    SweepOptions options;
    options.rank = rank;
    options.quantizer.scales = ScaleMode::kSearch;
    const std::vector<double> want = sweep_errors(run_.context, w.data(), m, n, choices, options);
    const std::vector<double> have = sweep_errors(there_, w.data(), m, n, choices, options);
    for (std::size_t i = 0; i < want.size(); ++i)
      EXPECT_NEAR(have[i], want[i], (rank == 0 ? 1e-6 : 0.02) * want[i]) << choices[i].name();
  }
}

TEST_F(DeviceAlternationDevice, WhatItTakesIsCounted) {
  const std::int64_t m = 300;
  const std::int64_t n = 257;
  const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 5);
  const Importance importance = norm_of(Norm::kKfac, m, n);
  const std::unique_ptr<Quantizer> quantizers[] = {
      std::make_unique<CodebookQuantizer>(CodebookConfig{2, 8, ScaleDType::kFp32, 16, 16}),
      std::make_unique<CodebookQuantizer>(
          CodebookConfig{2, 8, ScaleDType::kFp32, 16, 16},
          CodebookQuantizerOptions{.scales = ScaleMode::kSearch, .feedback = Feedback::kOn}),
      make_quantizer({"tcq", "4,10,32"}, {.scales = ScaleMode::kAbsMax, .feedback = Feedback::kOn})};
  for (const auto& quantizer : quantizers) {
    const std::size_t before = backends::cuda::memory(there_.device).free;
    DeviceAlternation a(there_, w.data(), m, n, *quantizer, importance);
    a.start();
    a.seek(16, 10, 0);
    a.track(2);
    const Factors x = a.advance({}, 0.0);
    a.quantize(a.to_plain(x));
    a.track(1);
    const Factors even = a.balanced();
    EXPECT_GT(a.left_after_tracked(), 0.0);
    a.subtract(even);
    const std::size_t taken = before - backends::cuda::memory(there_.device).free;
    const bool coder = has_device_coder(*quantizer);
    const auto counted = static_cast<std::size_t>(device_alternation_bytes(m, n, 16, 10, true, true, coder));
    EXPECT_LE(taken, counted) << quantizer->name();
  }
  EXPECT_GE(device_alternation_bytes(m, n, 16, 10, true, true, false),
            device_alternation_bytes(m, n, 0, 10, false, false, false));
  // What coders keep beside it: codes, errors and the weights once more, and the pointers of paths.
  EXPECT_GE(device_alternation_bytes(4096, 4096, 0, 10, true, true, true) -
                device_alternation_bytes(4096, 4096, 0, 10, true, true, false),
            9 * 4096 * 4096);
}

}  // namespace
}  // namespace lq
