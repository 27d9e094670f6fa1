// The SIMD kernels against the scalar codec that defines the format: the same bytes, on every target that
// this machine supports.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "backends/cpu/nf_codec.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "quant/codebook/codebook_quantizer.h"
#include "quant/codebook/codebook_reference.h"

namespace lq {
namespace {

enum class Pattern {
  kNormal,
  kZero,
  kZeroBlocks,
  kConstant,
  kDenormal,
  kOutlier,
  kHuge,
  kTiny,
  kOnMidpoints
};
constexpr Pattern kAllPatterns[] = {Pattern::kNormal,   Pattern::kZero,     Pattern::kZeroBlocks,
                                    Pattern::kConstant, Pattern::kDenormal, Pattern::kOutlier,
                                    Pattern::kHuge,     Pattern::kTiny,     Pattern::kOnMidpoints};

std::vector<float> make(Pattern pattern, std::int64_t n) {
  ThreadPool pool(1);
  std::vector<float> w(static_cast<std::size_t>(n));
  Rng(11, static_cast<std::uint64_t>(n)).fill_normal(pool, w.data(), n);
  const Codebook& book = codebook_of(CodebookKind::kNormalFloat, 4);
  for (std::int64_t i = 0; i < n; ++i) {
    float& x = w[static_cast<std::size_t>(i)];
    switch (pattern) {
      case Pattern::kNormal:
        x *= 0.02F;
        break;
      case Pattern::kZero:
        x = i % 2 == 0 ? 0.0F : -0.0F;
        break;
      case Pattern::kZeroBlocks:
        x = i / 64 % 3 == 1 ? 0.0F : x;
        break;
      case Pattern::kConstant:
        x = -0.75F;
        break;
      case Pattern::kDenormal:
        x *= 1e-41F;
        break;
      case Pattern::kOutlier:
        x = i == n / 2 ? 1e30F : x * 1e-3F;
        break;
      case Pattern::kHuge:
        x = std::clamp(x * 2e38F, -3.4e38F, 3.4e38F);
        break;
      case Pattern::kTiny:
        x = i / 512 % 2 == 0 ? x * 1e-7F : x * 1e-20F;
        break;
      case Pattern::kOnMidpoints:
        x = i % 16 == 15 ? 2.0F : 2.0F * book.midpoints[i % 16];
        break;
    }
  }
  return w;
}

// Runs `body` once for each SIMD target of this machine, the one named in the trace.
template <typename Body>
void for_each_target(const Body& body) {
  const std::int64_t supported = hwy::SupportedTargets();
  for (std::int64_t rest = supported; rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

void expect_equals_reference(ThreadPool& pool, const std::vector<float>& w, const CodebookConfig& config,
                             CodebookKind kind) {
  const auto n = static_cast<std::int64_t>(w.size());
  const Codebook& book = codebook_of(kind, config.bits);
  const CodebookReferencePacked want = codebook_reference_quantize(w.data(), n, config, book);
  std::vector<float> want_values(w.size());
  codebook_reference_dequantize(want, n, config, book, 0, n, want_values.data());
  for (const float v : want_values) ASSERT_TRUE(std::isfinite(v));
  const CodebookQuantizer quantizer(config, {.kind = kind});
  for_each_target([&] {
    const CodebookMatrix got = quantizer.quantize(pool, w.data(), 1, n);
    const CodebookParts& parts = got.parts();
    ASSERT_TRUE(std::ranges::equal(parts.codes, want.codes));
    ASSERT_TRUE(std::ranges::equal(parts.scales, want.scales));
    ASSERT_TRUE(std::ranges::equal(parts.scales2, want.scales2));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(parts.offset), std::bit_cast<std::uint32_t>(want.offset));
    std::vector<float> values(w.size(), -1.0F);
    got.dequantize(pool, values.data());
    ASSERT_EQ(std::memcmp(values.data(), want_values.data(), w.size() * sizeof(float)), 0);
    std::vector<float> rounded = w;  // in place
    quantizer.round_trip(pool, rounded.data(), 1, n, rounded.data());
    ASSERT_EQ(std::memcmp(rounded.data(), want_values.data(), w.size() * sizeof(float)), 0);
  });
}

std::string describe(const CodebookConfig& config, CodebookKind kind, Pattern pattern, std::int64_t n) {
  return to_string(config) + " " + std::string(codebook_kind_name(kind)) + " pattern " +
         std::to_string(static_cast<int>(pattern)) + " n " + std::to_string(n);
}

TEST(NfKernels, EqualTheReferenceForAllConfigurationsOnSmallSizes) {
  ThreadPool pool(2);
  for (const CodebookConfig& config : all_nf_configs()) {
    for (const CodebookKind kind :
         {CodebookKind::kNormalFloat, CodebookKind::kUniformInt, CodebookKind::kLloydMax}) {
      for (const std::int64_t n : {1, 15, 16, 17, 63, 64, 65, 1031}) {
        SCOPED_TRACE(describe(config, kind, Pattern::kNormal, n));
        expect_equals_reference(pool, make(Pattern::kNormal, n), config, kind);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// More than one unit of 256 blocks, and short blocks at both levels.
TEST(NfKernels, EqualTheReferenceOnLargerSizes) {
  ThreadPool pool(2);
  for (const CodebookConfig& config : all_nf_configs()) {
    const std::int64_t n = 256 * config.block + 64 * config.block + 4096 % config.block + 37;
    for (const Pattern pattern : {Pattern::kNormal, Pattern::kTiny}) {
      SCOPED_TRACE(describe(config, CodebookKind::kNormalFloat, pattern, n));
      expect_equals_reference(pool, make(pattern, n), config, CodebookKind::kNormalFloat);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(NfKernels, EqualTheReferenceOnSpecialValues) {
  ThreadPool pool(1);
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int scale_bits : {2, 8}) {
      for (const ScaleDType type : {ScaleDType::kBf16, ScaleDType::kFp16, ScaleDType::kFp32}) {
        for (const Pattern pattern : kAllPatterns) {
          for (const CodebookKind kind :
               {CodebookKind::kNormalFloat, CodebookKind::kUniformInt, CodebookKind::kLloydMax}) {
            const CodebookConfig config{bits, scale_bits, type, 16, 16};
            SCOPED_TRACE(describe(config, kind, pattern, 4096 + 33));
            expect_equals_reference(pool, make(pattern, 4096 + 33), config, kind);
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST(NfKernels, AnyRangeDequantizesToTheSameValues) {
  ThreadPool pool(1);
  const std::int64_t n = 3 * 64 * 64 + 129;
  const std::vector<float> w = make(Pattern::kNormal, n);
  for (const CodebookConfig& config :
       {uniform_codebook_config(2), uniform_codebook_config(3), parse_codebook_config("4,3,bf16,16,16"),
        parse_codebook_config("8,4,fp16,32,64")}) {
    const CodebookMatrix matrix = CodebookQuantizer(config).quantize(pool, w.data(), 1, n);
    std::vector<float> all(w.size());
    matrix.dequantize(pool, all.data());
    for_each_target([&] {
      for (const std::int64_t begin : {0, 1, 63, 64, 65, 4095, 4096, 5000}) {
        for (const std::int64_t count : {0, 1, 7, 64, 65, 127, 128, 4097, 7000}) {
          std::vector<float> part(static_cast<std::size_t>(count) + 2, 123.0F);
          backends::nf_dequantize(matrix.view(), begin, count, part.data() + 1);
          ASSERT_EQ(std::memcmp(part.data() + 1, all.data() + begin, static_cast<std::size_t>(count) * 4), 0)
              << to_string(config) << " at " << begin << " + " << count;
          ASSERT_EQ(part.front(), 123.0F);
          ASSERT_EQ(part.back(), 123.0F);
        }
      }
    });
  }
}

// Above the size from which outputs bypass the caches, aligned or not.
TEST(NfKernels, LargeMatricesTakeTheStreamingPath) {
  ThreadPool pool(2);
  const std::int64_t rows = 2049;
  const std::int64_t cols = 2051;
  const std::vector<float> w = make(Pattern::kNormal, rows * cols);
  const CodebookQuantizer quantizer(uniform_codebook_config(3));
  const CodebookMatrix matrix = quantizer.quantize(pool, w.data(), rows, cols);
  std::vector<float> want(w.size());
  matrix.dequantize_rows(0, rows, want.data());
  for (const std::size_t shift : {0U, 1U, 16U}) {
    std::vector<float> values(w.size() + shift);
    matrix.dequantize(pool, values.data() + shift);
    ASSERT_EQ(std::memcmp(values.data() + shift, want.data(), w.size() * 4), 0);
    quantizer.round_trip(pool, w.data(), rows, cols, values.data() + shift);
    ASSERT_EQ(std::memcmp(values.data() + shift, want.data(), w.size() * 4), 0);
  }
}

TEST(NfKernels, ThreadsDoNotChangeTheBytes) {
  const std::int64_t n = 300001;
  const std::vector<float> w = make(Pattern::kNormal, n);
  ThreadPool one(1);
  const CodebookQuantizer quantizer(parse_codebook_config("3,4,bf16,16,64"));
  const CodebookMatrix want = quantizer.quantize(one, w.data(), 1, n);
  for (const int threads : {2, 7}) {
    ThreadPool pool(threads);
    const CodebookMatrix got = quantizer.quantize(pool, w.data(), 1, n);
    EXPECT_TRUE(std::ranges::equal(got.parts().codes, want.parts().codes));
    EXPECT_TRUE(std::ranges::equal(got.parts().scales, want.parts().scales));
    EXPECT_TRUE(std::ranges::equal(got.parts().scales2, want.parts().scales2));
    EXPECT_EQ(got.parts().offset, want.parts().offset);
  }
}

}  // namespace
}  // namespace lq
