#include "base/edit_distance.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(EditDistance, CountsLettersToInsertRemoveOrChange) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("sitting", "kitten"), 3U);
  EXPECT_EQ(edit_distance("rank", "rank"), 0U);
}

TEST(EditDistance, NamesTheNearestWhereItIsNear) {
  EXPECT_EQ(did_you_mean("seq_len", {"rank", "seq-len", "seqlen"}), " (did you mean 'seq-len'?)");
  EXPECT_EQ(did_you_mean("rnk", {"rank"}), " (did you mean 'rank'?)");
  EXPECT_EQ(did_you_mean("speed", {"rank", "seq-len"}), "");
  EXPECT_EQ(did_you_mean("speed", {}), "");
}

}  // namespace
}  // namespace lq
