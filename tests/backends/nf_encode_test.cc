// The encoder's parts beside each other: block maxima, and that a round trip gives what packing and unpacking
// give. Its bytes are compared with the reference codec in tests/quant.
#include "backends/cpu/nf_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "quant/codebook/codebook.h"
#include "quant/codebook/codebook_config.h"
#include "reference/numbers.h"

namespace lq::backends {
namespace {

using reference::normals;

TEST(NfEncode, BlockMaximaOfEveryLength) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const int block : {16, 32, 64}) {
      for (const std::int64_t n : {1, 15, 16, 63, 65, 1000, 256 * 64 + 7, 3 * 256 * 64}) {
        auto w = normals(static_cast<std::size_t>(n), 1);
        w.back() = -9.0F;  // in a short last block
        std::vector<float> have(static_cast<std::size_t>((n + block - 1) / block));
        const float least = nf_block_absmax(pool, w.data(), n, block, have.data());
        std::vector<float> want(have.size(), 0.0F);
        for (std::int64_t i = 0; i < n; ++i) {
          float& largest = want[static_cast<std::size_t>(i / block)];
          largest = std::max(largest, std::abs(w[static_cast<std::size_t>(i)]));
        }
        ASSERT_EQ(have, want) << block << ' ' << n;
        EXPECT_EQ(least, *std::ranges::min_element(want));
      }
    }
  }
}

TEST(NfEncode, ARoundTripIsPackingAndUnpacking) {
  ThreadPool pool(2);
  for (const CodebookKind kind : {CodebookKind::kNormalFloat, CodebookKind::kLloydMax}) {
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      for (const std::int64_t n : {1, 64, 1000, 256 * 32 + 77}) {
        const NfFormat format{bits, 4, ScaleDType::kBf16, 32, 16};
        const auto w = normals(static_cast<std::size_t>(n), 1);
        const Codebook& book = codebook_of(kind, bits);
        const std::int64_t blocks = (n + 31) / 32;
        std::vector<float> absmax(static_cast<std::size_t>(blocks));
        const float offset = nf_block_absmax(pool, w.data(), n, 32, absmax.data());
        const NfScaleChoice scales{absmax.data(), offset};

        std::vector<std::uint8_t> codes(static_cast<std::size_t>((n + 63) / 64 * 8 * bits));
        std::vector<std::uint8_t> first(static_cast<std::size_t>((blocks + 63) / 64 * 8 * 4));
        std::vector<std::uint8_t> second(static_cast<std::size_t>((blocks + 15) / 16 * 2));
        nf_pack(pool, format, book, w.data(), n, scales, {codes.data(), first.data(), second.data()});
        const NfView view{codes.data(), first.data(), second.data(), offset, format, 1, n, book.values};
        std::vector<float> unpacked(w.size());
        nf_dequantize(view, 0, n, unpacked.data());

        std::vector<float> trip(w.size());
        nf_round_trip(pool, format, book, w.data(), n, scales, trip.data());
        ASSERT_EQ(trip, unpacked) << bits << ' ' << n;
        auto in_place = w;
        nf_round_trip(pool, format, book, in_place.data(), n, scales, in_place.data());
        EXPECT_EQ(in_place, trip);
      }
    }
  }
}

}  // namespace
}  // namespace lq::backends
