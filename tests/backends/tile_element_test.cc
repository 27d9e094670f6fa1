// Codes in tiles: every place is taken once, and what comes back is what the file's layout gives, bit for
// bit.
#include "backends/cuda/tile_element.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <vector>

#include "backends/nf_case.h"
#include "backends/tile_pack.h"

namespace lq::backends {
namespace {

// Rows around a tile; columns around a chunk and its groups.
const std::pair<std::int64_t, std::int64_t> kTileSizes[] = {{1, 64},   {15, 192}, {16, 256}, {17, 320},
                                                            {33, 128}, {40, 704}, {31, 512}};

TEST(TileElement, PlacesOfAChunkAreTakenOnce) {
  for (const int bits : {2, 3, 4, 8}) {
    for (int groups = 1; groups <= cuda::kChunkGroups; ++groups) {
      std::set<std::tuple<int, int, int>> taken;  // piece, word, bit: of a lane
      int all = 0;
      const auto take = [&](const cuda::CodePlace& p, int count) {
        EXPECT_LT(p.piece, cuda::chunk_pieces(bits, groups));
        EXPECT_LT(p.word, cuda::kPieceWords);
        for (int b = 0; b < count; ++b, ++all) {
          EXPECT_LT(p.bit + b, 32);
          taken.insert({p.piece, p.word, p.bit + b});
        }
      };
      for (const int row : {3, 11}) {
        for (int group = 0; group < groups; ++group) {
          for (int i = 0; i < cuda::kLaneRun; ++i) {
            take(cuda::code_place(bits, groups, row, group, i, false), bits == 3 ? 2 : bits);
            if (bits == 3) take(cuda::code_place(bits, groups, row, group, i, true), 1);
          }
        }
      }
      EXPECT_EQ(all, 2 * groups * cuda::kLaneRun * bits);
      EXPECT_EQ(taken.size(), static_cast<std::size_t>(all)) << bits << " bits, " << groups;
      if (groups == cuda::kChunkGroups) {
        EXPECT_EQ(all, cuda::chunk_pieces(bits, groups) * 128) << "nothing is left free";
      }
    }
  }
  std::set<int> scales;
  for (int row = 0; row < cuda::kTileSide; ++row) {
    for (int group = 0; group < cuda::kChunkGroups; ++group) scales.insert(cuda::chunk_scale(row, group));
  }
  EXPECT_EQ(scales.size(), 64U);
  EXPECT_EQ(*scales.rbegin(), 63);
}

TEST(TileElement, WholeTilesTakeWhatTheFileTakes) {
  for (const int bits : {2, 3, 4, 8}) {
    NfView v = {};
    v.format = {bits, 8, ScaleDType::kFp32, 64, 256};
    v.rows = 48;
    v.cols = 1280;
    EXPECT_EQ(cuda::tile_code_bytes(v), v.rows * v.cols * bits / 8);
    EXPECT_EQ(cuda::tile_scale_bytes(v), v.rows * v.cols / 64);
  }
}

template <int kBits>
void check_bf16(const NfView& v, const std::vector<float>& expected) {
  const cuda::TileShape s = cuda::tile_shape(v);
  std::vector<int> times(expected.size());
  for (std::int64_t i = 0; i < s.tiles * s.groups * cuda::kLanes; ++i) {
    cuda::decode_tile_lane<kBits>(
        v, s, i, [&](unsigned code) { return v.codebook[code]; },
        [&](std::int64_t at, const std::uint16_t* run) {
          for (int e = 0; e < cuda::kLaneRun; ++e) {
            const auto index = static_cast<std::size_t>(at + e);
            ASSERT_LT(index, expected.size());
            ++times[index];
            ASSERT_EQ(run[e], cuda::bf16_of_float(expected[index])) << kBits << " bits, " << index;
          }
        });
  }
  EXPECT_EQ(times, std::vector<int>(expected.size(), 1));
}

TEST(TileElement, EveryElementComesBackToTheBit) {
  for (const CodebookConfig& config : all_nf_configs()) {
    if (config.block != 64 || config.bits == 5 || config.bits == 6) continue;
    for (const auto& [rows, cols] : kTileSizes) {
      NfCase c(config, rows * cols);
      c.view.rows = rows;
      c.view.cols = cols;
      const TilePack tiles(c.view);
      std::vector<float> have(c.expected.size());
      // Not all at once: a run may begin anywhere.
      const std::int64_t half = rows * cols / 2 - 5;
      cuda::decode_tile_run(tiles.view, c.view.codebook, 0, static_cast<int>(half), have.data());
      cuda::decode_tile_run(tiles.view, c.view.codebook, half, static_cast<int>(rows * cols - half),
                            have.data() + half);
      ASSERT_EQ(have, c.expected) << to_string(config) << ", " << rows << " x " << cols;
      switch (config.bits) {
        case 2:
          check_bf16<2>(tiles.view, c.expected);
          break;
        case 3:
          check_bf16<3>(tiles.view, c.expected);
          break;
        case 4:
          check_bf16<4>(tiles.view, c.expected);
          break;
        default:
          check_bf16<8>(tiles.view, c.expected);
      }
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace lq::backends
