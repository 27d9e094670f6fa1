#include "base/hash.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(Hash, MatchesXxh3AndSeesEveryByte) {
  EXPECT_EQ(hash_hex(""), "99aa06d3014798d86001c324468d497f");  // XXH3_128bits of nothing, seed 0
  Hasher pieces;
  pieces.update("abc");
  pieces.update("def");
  EXPECT_EQ(pieces.hex(), hash_hex("abcdef"));
  EXPECT_NE(hash_hex("abcdef"), hash_hex("abcdeg"));
}

}  // namespace
}  // namespace lq
