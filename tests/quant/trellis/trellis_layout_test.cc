// Parameters of the trellis format: what they are called, what is refused, how much they take.
#include "quant/trellis/trellis_layout.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace lq {
namespace {

TEST(TrellisLayout, ParametersAreReadAndWritten) {
  EXPECT_EQ(parse_trellis_config("2", "x"), (TrellisConfig{2, 12, 64}));
  EXPECT_EQ(parse_trellis_config(" 3 , 14", "x"), (TrellisConfig{3, 14, 64}));
  EXPECT_EQ(parse_trellis_config("4,16, 256 ", "x"), (TrellisConfig{4, 16, 256}));
  EXPECT_EQ(to_string(TrellisConfig{3, 10, 128}), "3,10,128");
  for (const char* bad : {"", "1", "5", "8", "2,", "2,9", "2,17", "2,12,16", "2,12,96", "2,12,64,1", "2;12",
                          "two", "2,12,64,"}) {
    try {
      parse_trellis_config(bad, "--config");
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(std::string(e.what()).rfind("--config: \"" + std::string(bad) + "\" for format tcq", 0), 0U)
          << e.what();
    }
  }
}

TEST(TrellisLayout, SizesCountWholeTilesAndShortBlocks) {
  const TrellisSizes s = trellis_sizes(17, 100, {3, 12, 64}, "m");
  EXPECT_EQ(s.strips, 2);
  EXPECT_EQ(s.tiles, 7);
  EXPECT_EQ(s.blocks, 2);
  EXPECT_EQ(s.groups, 1);
  EXPECT_EQ(s.strip_bytes, 7 * 96);
  EXPECT_EQ(s.codes_bytes, 2 * 7 * 96);
  EXPECT_EQ(s.scales_bytes, 34);
  EXPECT_EQ(trellis_sizes(128, 256, {2, 12, 32}, "m").groups, 4);
  EXPECT_DOUBLE_EQ(trellis_bits_per_weight({2, 12, 64}), 2 + 0.125 + 1.0 / 512);
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{0, 5},
                                   {5, 0},
                                   {-1, 5},
                                   {std::int64_t{1} << 40, std::int64_t{1} << 40}}) {
    EXPECT_THROW(trellis_sizes(rows, cols, {}, "m"), Error);
  }
}

}  // namespace
}  // namespace lq
