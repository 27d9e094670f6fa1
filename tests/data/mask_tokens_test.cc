#include "data/mask_tokens.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/batch.h"

namespace lq {
namespace {

TEST(MaskTokens, SharesAreThoseAskedFor) {
  constexpr std::int64_t kTokens = 200000;
  const std::vector<std::int32_t> ids(kTokens, 7);
  const std::vector<std::uint8_t> may(kTokens, 1);
  const MaskedTokens m = mask_tokens(ids, may, {.mask = 3, .vocab = 1000, .seed = 5});
  double hidden = 0, other = 0;
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (m.targets[t] == kNoTarget) {
      EXPECT_EQ(m.ids[t], 7);
      continue;
    }
    EXPECT_EQ(m.targets[t], 7);
    hidden += m.ids[t] == 3 ? 1 : 0;
    other += m.ids[t] != 3 && m.ids[t] != 7 ? 1 : 0;
  }
  // Within five deviations of what shares of so many draws vary by.
  const auto n = static_cast<double>(m.chosen);
  EXPECT_NEAR(n, 0.15 * kTokens, 5 * std::sqrt(kTokens * 0.15 * 0.85));
  EXPECT_NEAR(hidden, 0.8 * n, 5 * std::sqrt(n * 0.8 * 0.2) + 0.0002 * n);
  EXPECT_NEAR(other, 0.1 * n, 5 * std::sqrt(n * 0.1 * 0.9));
}

TEST(MaskTokens, AChoiceDependsOnSeedAndPlaceAlone) {
  std::vector<std::int32_t> ids(500, 7);
  std::vector<std::uint8_t> may(500, 1);
  const MaskOptions options{.mask = 3, .vocab = 10, .seed = 1};
  const MaskedTokens whole = mask_tokens(ids, may, options);
  may[10] = 0;
  ids.resize(100);
  may.resize(100);
  const MaskedTokens part = mask_tokens(ids, may, options);
  EXPECT_EQ(part.targets[10], kNoTarget);
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (t == 10) continue;
    EXPECT_EQ(part.ids[t], whole.ids[t]);
    EXPECT_EQ(part.targets[t], whole.targets[t]);
  }
  EXPECT_NE(mask_tokens(ids, may, {.mask = 3, .vocab = 10, .seed = 2}).targets, part.targets);
}

}  // namespace
}  // namespace lq
