#include "quant/codebook/codebook_matrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "quant/codebook/codebook_quantizer.h"
#include "reference/dense_matrix.h"

namespace lq {
namespace {

// The parts of a matrix as bytes that a test may damage.
struct Copy {
  explicit Copy(const CodebookMatrix& m)
      : codes(m.parts().codes.begin(), m.parts().codes.end()),
        scales(m.parts().scales.begin(), m.parts().scales.end()),
        scales2(m.parts().scales2.begin(), m.parts().scales2.end()),
        offset(m.parts().offset) {}
  CodebookParts parts() const { return {codes, scales, scales2, offset}; }
  std::vector<std::uint8_t> codes, scales, scales2;
  float offset;
};

TEST(CodebookMatrix, StorageIsTheSumOfItsParts) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(1, 100 * 77, 3);
  const CodebookMatrix m =
      CodebookQuantizer(parse_codebook_config("3,4,bf16,32,64")).quantize(pool, w.data(), 100, 77);
  // 7700 weights: 121 groups of codes; 241 blocks: 4 groups of scales; 4 second-level scales; an offset.
  EXPECT_EQ(m.storage_bytes(), 121 * 24 + 4 * 32 + 4 * 2 + 4);
  EXPECT_DOUBLE_EQ(m.bits_per_weight(), 8.0 * static_cast<double>(m.storage_bytes()) / 7700.0);
}

TEST(CodebookMatrix, WithoutShortBlocksStorageIsTheFormulaAndTheOffset) {
  for (const CodebookConfig& config : all_nf_configs()) {
    const CodebookSizes s =
        codebook_sizes(256, 256 * 16, config, "x");  // 2^20 weights: whole blocks and groups for all
    const auto bytes = s.codes_bytes + s.scales_bytes + s.scales2_bytes;
    EXPECT_DOUBLE_EQ(8.0 * static_cast<double>(bytes) / static_cast<double>(s.elements),
                     codebook_bits_per_weight(config))
        << to_string(config);
  }
}

TEST(CodebookMatrix, BorrowsUnalignedPartsAndSurvivesMoves) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(1, 64 * 65, 3);
  for (const char* text : {"4,8,fp32,64,256", "3,2,fp16,16,16"}) {
    const CodebookMatrix owned =
        CodebookQuantizer(parse_codebook_config(text)).quantize(pool, w.data(), 64, 65);
    std::vector<float> want(w.size());
    owned.dequantize(pool, want.data());
    const Copy copy(owned);
    std::vector<std::uint8_t> shifted(copy.scales2.size() + 1);
    std::memcpy(shifted.data() + 1, copy.scales2.data(), copy.scales2.size());
    CodebookParts parts = copy.parts();
    parts.scales2 = std::span(shifted).subspan(1);
    auto alive = std::make_shared<int>(1);
    CodebookMatrix borrowed(64, 65, owned.config(), owned.codebook_kind(), parts, "m", alive);
    EXPECT_EQ(alive.use_count(), 2);
    const CodebookMatrix moved = std::move(borrowed);
    std::vector<float> got(w.size());
    moved.dequantize(pool, got.data());
    EXPECT_EQ(got, want);
    moved.dequantize_rows(7, 3, got.data());
    EXPECT_EQ(std::memcmp(got.data(), want.data() + 7 * 65, 3 * 65 * sizeof(float)), 0);
  }
}

TEST(CodebookMatrix, DamagedPartsAreRefused) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(1, 10 * 100, 3);
  const CodebookMatrix m =
      CodebookQuantizer(parse_codebook_config("3,4,bf16,16,16")).quantize(pool, w.data(), 10, 100);
  const auto expect_refused = [&](const char* part, const std::function<void(Copy&)>& damage) {
    Copy copy(m);
    damage(copy);
    try {
      CodebookMatrix(10, 100, m.config(), m.codebook_kind(), copy.parts(), "layer.weight");
      ADD_FAILURE() << part;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_EQ(std::string(e.what()).rfind("layer.weight: " + std::string(part), 0), 0U) << e.what();
    }
  };
  const float inf = std::numeric_limits<float>::infinity();
  expect_refused("codes", [](Copy& c) { c.codes.pop_back(); });
  expect_refused("codes", [](Copy& c) { c.codes.push_back(0); });
  expect_refused("codes", [](Copy& c) { c.codes.back() = 0x80; });  // the last element's top bit
  expect_refused("scales", [](Copy& c) { c.scales.clear(); });
  expect_refused("scales", [](Copy& c) { c.scales.back() = 0xf0; });
  expect_refused("scales2", [](Copy& c) { c.scales2.push_back(0); });
  expect_refused("scales2[1]", [](Copy& c) { c.scales2[3] = 0x7f, c.scales2[2] = 0x80; });  // infinity
  expect_refused("scales2[1]", [](Copy& c) { c.scales2[3] = 0x7f, c.scales2[2] = 0xc0; });  // NaN
  expect_refused("scales2[0]", [](Copy& c) { c.scales2[1] |= 0x80; });                      // negative
  expect_refused("offset", [inf](Copy& c) { c.offset = inf; });
  expect_refused("offset", [inf](Copy& c) { c.offset = inf - inf; });
  expect_refused("offset", [](Copy& c) { c.offset = -0.5F; });
}

TEST(CodebookMatrix, ImpossibleShapesAreRefusedBeforeAnyAllocation) {
  const std::int64_t huge = std::int64_t{1} << 62;
  for (const auto& [rows, cols] :
       {std::pair{huge, huge}, std::pair{huge, std::int64_t{1}}, std::pair{std::int64_t{0}, std::int64_t{4}},
        std::pair{std::int64_t{-3}, std::int64_t{4}},
        std::pair{std::int64_t{1} << 32, std::int64_t{1} << 32}}) {
    EXPECT_THROW(CodebookMatrix(rows, cols, CodebookConfig{}, CodebookKind::kNormalFloat), Error);
    EXPECT_THROW(
        CodebookMatrix(rows, cols, CodebookConfig{}, CodebookKind::kNormalFloat, CodebookParts{}, "m"),
        Error);
  }
  CodebookConfig bad;
  bad.block = 48;
  EXPECT_THROW(CodebookMatrix(4, 4, bad, CodebookKind::kNormalFloat), Error);
}

// Scales at the top of their range restore to the largest finite value, not to infinity.
TEST(CodebookMatrix, TheLargestScalesStayFinite) {
  ThreadPool pool(1);
  const auto w = reference::normal_matrix(1, 64, 3);
  const CodebookMatrix m = CodebookQuantizer(uniform_codebook_config(4)).quantize(pool, w.data(), 8, 8);
  Copy copy(m);
  copy.offset = std::numeric_limits<float>::max();
  std::memcpy(copy.scales2.data(), &copy.offset, 4);
  copy.scales[0] = 255;
  const CodebookMatrix top(8, 8, m.config(), m.codebook_kind(), copy.parts(), "m");
  std::vector<float> values(64);
  top.dequantize(pool, values.data());
  float largest = 0.0F;
  for (const float v : values) {
    ASSERT_TRUE(std::isfinite(v));
    largest = std::max(largest, std::abs(v));
  }
  EXPECT_EQ(largest, copy.offset);
}

}  // namespace
}  // namespace lq
