// Decoding of runs of a trellis code: every shape, every part of it. tests/quant compares all SIMD targets.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "backends/cpu/packed_product.h"
#include "backends/cpu/trellis_codec.h"
#include "backends/trellis_case.h"

namespace lq::backends {
namespace {

TEST(TrellisDecode, EveryRangeOfEveryShapeHasTheReferencesBits) {
  ThreadPool pool(3);
  for (const int bits : {2, 3, 4}) {
    for (const auto& [rows, cols] :
         {std::pair<std::int64_t, std::int64_t>{1, 1}, {3, 15}, {16, 16}, {17, 33}, {40, 200}, {48, 64}}) {
      const TrellisCase c(bits, 12, 64, rows, cols);
      std::vector<float> out(c.values.size(), -1.0F);
      packed_decode(pool, c.view, out.data());
      ASSERT_EQ(std::memcmp(out.data(), c.values.data(), 4 * out.size()), 0) << rows << 'x' << cols;
      const std::int64_t total = rows * cols;
      for (std::int64_t begin = 0; begin < total; begin += 7) {
        const std::int64_t count = std::min<std::int64_t>(total - begin, 5 + begin * 3 % (20 * cols));
        std::vector<float> part(static_cast<std::size_t>(count) + 1, 9.0F);
        packed_decode(pool, c.view, begin, count, part.data());
        ASSERT_EQ(std::memcmp(part.data(), c.values.data() + begin, 4 * static_cast<std::size_t>(count)), 0);
        ASSERT_EQ(part.back(), 9.0F);
      }
    }
  }
}

TEST(TrellisDecode, ScalesOfAStrip) {
  const TrellisCase c(2, 12, 32, 19, 70);
  ASSERT_EQ(trellis_strip_scales_size(c.view), 3 * 16);
  std::vector<float> scales(48, -1.0F);
  trellis_strip_scales(c.view, 16, scales.data());
  for (std::int64_t b = 0; b < 3; ++b) {
    for (std::int64_t i = 0; i < 16; ++i) {
      const float step = 0.01F / 255.0F;
      const float want =
          i < 3 ? 0.003F + static_cast<float>(c.scales[static_cast<std::size_t>((16 + i) * 3 + b)]) * step
                : 0.0F;
      EXPECT_EQ(scales[static_cast<std::size_t>(b * 16 + i)], want);
    }
  }
}

}  // namespace
}  // namespace lq::backends
