#include "jobs/rank_choices.h"

#include <gtest/gtest.h>

#include "base/option_error.h"
#include "jobs/select_matrices.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

TEST(RankChoices, OneRankAListOrAuto) {
  EXPECT_EQ(parse_rank_choices("64").rank, 64);
  EXPECT_FALSE(parse_rank_choices("64").chosen());
  EXPECT_FALSE(parse_rank_choices("0").chosen());
  EXPECT_TRUE(parse_rank_choices("auto").chosen());
  const RankChoices list = parse_rank_choices("16,0,8,8");
  EXPECT_TRUE(list.chosen());
  EXPECT_EQ(list.ranks, (std::vector<std::int64_t>{0, 8, 16}));
}

TEST(RankChoices, RefusesWhatIsNoRank) {
  for (const char* text : {"", "-1", "8.5", "automatic", "8,", ",8", "8,x", "2000000", "8 "}) {
    try {
      parse_rank_choices(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const OptionError& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(e.option(), "rank") << e.what();
    }
  }
}

TEST(RankChoices, TheSmallestMatrixLimitsThem) {
  const TempDir dir;
  write_tiny_model(dir / "model");
  const CheckpointReader reader(dir / "model");
  const auto selected = select_matrices(reader, {});  // k_proj: 16 x 32
  EXPECT_EQ(ranks_to_sweep(parse_rank_choices("auto"), selected), (std::vector<std::int64_t>{0, 1, 4, 16}));
  EXPECT_EQ(ranks_to_sweep(parse_rank_choices("0,5,16"), selected), (std::vector<std::int64_t>{0, 5, 16}));
  try {
    ranks_to_sweep(parse_rank_choices("0,17"), selected);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("k_proj"), std::string::npos) << e.what();
  }
}

TEST(RankChoices, FactorsCountAsTheyAreStored) {
  EXPECT_EQ(factor_bits_of(DType::kF32), 32);
  EXPECT_EQ(factor_bits_of(DType::kBf16), 16);
}

}  // namespace
}  // namespace lq
