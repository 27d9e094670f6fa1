// What a CUDA thread computes of a trellis code, run on the CPU element by element, against the reference.
#include "backends/cuda/trellis_element.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "backends/cuda/packed_element.h"
#include "backends/trellis_case.h"

namespace lq::backends::cuda {
namespace {

TEST(TrellisElement, ThreadsDecodeToTheReferencesBits) {
  for (const int bits : {2, 3, 4}) {
    for (const int state_bits : {10, 12, 13, 16}) {
      for (const int block : {32, 256}) {
        const TrellisCase c(bits, state_bits, block, 35, 83);
        std::vector<float> out(c.values.size(), -1.0F);
        for (std::int64_t first = 0; first < std::ssize(out); first += 4) {
          const int count = static_cast<int>(std::min<std::int64_t>(4, std::ssize(out) - first));
          decode_run(c.view, nullptr, first, count, out.data() + first);
        }
        ASSERT_EQ(std::memcmp(out.data(), c.values.data(), 4 * out.size()), 0)
            << bits << ' ' << state_bits << ' ' << block;
      }
    }
  }
}

TEST(TrellisElement, AStateThatCrossesTheTilesEndGoesOnAtItsStart) {
  std::uint8_t tile[64] = {};
  tile[0] = 0xA5;                  // the first word of column 0
  tile[2 * (16 + 15) + 1] = 0xC0;  // the two highest bits of the last word of column 15
  EXPECT_EQ(trellis_state_at(tile, 2, 12, 15, 15), 3U | 0xA5U << 2);
  EXPECT_EQ(trellis_state_value(0), -510);
  // 0x83DCD12D itself: 0x83 + 0xDC + 0xD1 + 0x2D = 605.
  EXPECT_EQ(trellis_state_value(1), 95);
}

}  // namespace
}  // namespace lq::backends::cuda
