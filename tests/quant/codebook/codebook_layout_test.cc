#include "quant/codebook/codebook_layout.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <utility>

#include "quant/codebook/codebook_reference.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

// How many steps of `step` it takes to cover `whole`: counted, not divided.
std::int64_t steps_to_cover(std::int64_t whole, std::int64_t step) {
  std::int64_t count = 0;
  for (std::int64_t done = 0; done < whole; done += step) ++count;
  return count;
}

void expect_sizes(const CodebookSizes& s, const std::array<std::int64_t, 6>& want) {
  const std::array<std::int64_t, 6> have = {s.elements,    s.blocks,       s.groups,
                                            s.codes_bytes, s.scales_bytes, s.scales2_bytes};
  EXPECT_EQ(have, want);
}

TEST(CodebookLayout, SizesByHand) {
  // 768 x 768 = 589,824 weights of 3 bits; 9,216 blocks of 64 with scales of 8 bits; 36 groups of 256, f32.
  expect_sizes(codebook_sizes(768, 768, {3, 8, ScaleDType::kFp32, 64, 256}, "x"),
               {589824, 9216, 36, 221184, 9216, 144});
  // 5 x 60 = 300 weights of 6 bits in 5 groups of 48 bytes; 10 blocks of 32 in one group of 16 bytes.
  expect_sizes(codebook_sizes(5, 60, {6, 2, ScaleDType::kFp16, 32, 64}, "x"), {300, 10, 1, 240, 16, 2});
  // Blocks cross rows: as one row of as many.
  expect_sizes(codebook_sizes(300, 1, {6, 2, ScaleDType::kFp16, 32, 64}, "x"), {300, 10, 1, 240, 16, 2});
}

TEST(CodebookLayout, OneWeightTakesWholeGroups) {
  expect_sizes(codebook_sizes(1, 1, {2, 3, ScaleDType::kBf16, 16, 16}, "x"), {1, 1, 1, 16, 24, 2});
  expect_sizes(codebook_sizes(1, 1, {8, 8, ScaleDType::kFp32, 64, 256}, "x"), {1, 1, 1, 64, 64, 4});
}

TEST(CodebookLayout, AnythingBeginsOneElementAfterTheLastIsFull) {
  const CodebookConfig config{4, 4, ScaleDType::kBf16, 16, 16};
  expect_sizes(codebook_sizes(1, 64, config, "x"), {64, 4, 1, 32, 32, 2});
  expect_sizes(codebook_sizes(1, 65, config, "x"), {65, 5, 1, 64, 32, 2});
  expect_sizes(codebook_sizes(16, 16, config, "x"), {256, 16, 1, 128, 32, 2});
  expect_sizes(codebook_sizes(1, 257, config, "x"), {257, 17, 2, 160, 32, 4});
  expect_sizes(codebook_sizes(2, 512, config, "x"), {1024, 64, 4, 512, 32, 8});
  expect_sizes(codebook_sizes(1, 1025, config, "x"), {1025, 65, 5, 544, 64, 10});
}

TEST(CodebookLayout, EveryConfigurationsBytesAreTheCodecs) {
  for (const CodebookConfig& config : every_codebook_config()) {
    for (const std::int64_t cols : {1, 64, 257}) {
      SCOPED_TRACE(to_string(config) + " x " + std::to_string(cols));
      const CodebookSizes s = codebook_sizes(3, cols, config, "x");
      EXPECT_EQ(s.elements, 3 * cols);
      EXPECT_EQ(s.blocks, steps_to_cover(3 * cols, config.block));
      EXPECT_EQ(s.groups, steps_to_cover(s.blocks, config.block2));
      const std::vector<float> w(static_cast<std::size_t>(3 * cols), 0.5F);
      const CodebookReferencePacked packed = codebook_reference_quantize(
          w.data(), 3 * cols, config, codebook_of(CodebookKind::kNormalFloat, config.bits));
      EXPECT_EQ(s.codes_bytes, std::ssize(packed.codes));
      EXPECT_EQ(s.scales_bytes, std::ssize(packed.scales));
      EXPECT_EQ(s.scales2_bytes, std::ssize(packed.scales2));
    }
  }
}

TEST(CodebookLayout, TheLargestMatrixAndTheNext) {
  constexpr std::int64_t kMost = std::int64_t{1} << 42;
  const CodebookConfig config{8, 8, ScaleDType::kFp32, 16, 16};
  const CodebookSizes s = codebook_sizes(std::int64_t{1} << 21, std::int64_t{1} << 21, config, "x");
  EXPECT_EQ(s.elements, kMost);
  EXPECT_EQ(s.codes_bytes, kMost);
  EXPECT_EQ(s.scales2_bytes, kMost / 64);
  EXPECT_EQ(codebook_sizes(kMost, 1, config, "x").elements, kMost);
  EXPECT_EQ(codebook_sizes(1, kMost, config, "x").elements, kMost);
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const std::pair<std::int64_t, std::int64_t> refused[] = {
      {kMost + 1, 1},    {1, kMost + 1}, {(std::int64_t{1} << 21) + 1, std::int64_t{1} << 21},
      {kHuge, kHuge},    {kHuge, 2},     {3, kMost / 2},
      {kMost / 2 + 1, 2}};
  for (const auto& [rows, cols] : refused) {
    io_test::expect_error(ErrorCode::kInvalidArgument,
                          {fmt::format("w.bin: shape [{}, {}]", rows, cols), "between 1 and 2^42 elements"},
                          [&, r = rows, c = cols] { codebook_sizes(r, c, config, "w.bin"); });
  }
}

TEST(CodebookLayout, RefusesEmptyAndNegativeShapes) {
  const std::pair<std::int64_t, std::int64_t> refused[] = {{0, 5},  {5, 0},  {0, 0},
                                                           {-1, 5}, {5, -1}, {-4, -4}};
  for (const auto& [rows, cols] : refused) {
    io_test::expect_error(ErrorCode::kInvalidArgument, {fmt::format("w.bin: shape [{}, {}]", rows, cols)},
                          [&, r = rows, c = cols] { codebook_sizes(r, c, {}, "w.bin"); });
  }
}

TEST(CodebookLayout, RefusesConfigurationsThatDoNotExist) {
  const auto refused = [](const CodebookConfig& config, std::string_view field) {
    io_test::expect_error(ErrorCode::kInvalidArgument, {"w.bin: ", field},
                          [&] { codebook_sizes(4, 4, config, "w.bin"); });
  };
  refused({7, 8, ScaleDType::kFp32, 64, 256}, "b (bits of a code) is 7");
  refused({4, 5, ScaleDType::kFp32, 64, 256}, "b0 (bits of a scale) is 5");
  refused({4, 8, static_cast<ScaleDType>(3), 64, 256}, "no such type as number 3");
  refused({4, 8, ScaleDType::kFp32, 128, 256}, "B0 (weights per scale) is 128");
  refused({4, 8, ScaleDType::kFp32, 64, 32}, "B1 (scales per second-level scale) is 32");
  refused({4, 8, ScaleDType::kFp32, 0, 256}, "B0 (weights per scale) is 0");
}

}  // namespace
}  // namespace lq
