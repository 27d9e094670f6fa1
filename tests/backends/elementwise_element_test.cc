// What a thread draws, against base/rng.h.
#include "backends/cuda/elementwise_element.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"

namespace lq::backends::cuda {
namespace {

TEST(ElementwiseElement, ADrawsMaskIsOfItsNumberAlone) {
  const DropoutMask all{0x123456789abcdef0U, stream_of("model.layers.0.mlp.up_proj"), 6554, 1.5F};
  std::vector<float> x(77, 2.0F), before;
  for (const std::uint64_t draw : {0ULL, 1ULL, 2ULL, 0x100000001ULL}) {
    const auto words = Rng(all.seed, all.stream).words(draw);
    const DropoutMask one = drawn_mask(all, draw);
    EXPECT_EQ(one.seed, std::uint64_t{words[0]} << 32 | words[1]);
    EXPECT_EQ(one.stream, words[2]);
    EXPECT_EQ(one.below, all.below);
    EXPECT_EQ(one.grow, all.grow);
    std::vector<float> found(x.size()), given(x.size());
    const Dropout by_number{all, 77, x.data(), found.data(), &draw};
    const Dropout by_mask{one, 77, x.data(), given.data()};
    for (std::int64_t i = 0; i < (77 + Dropout::kRun - 1) / Dropout::kRun; ++i) {
      by_number(i);
      by_mask(i);
    }
    EXPECT_EQ(found, given);
    EXPECT_NE(found, before);
    before = found;
  }
}

}  // namespace
}  // namespace lq::backends::cuda
