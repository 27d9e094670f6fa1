// Decoding of parts and of whole matrices against the codec that defines the format, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "backends/cpu/nf_codec.h"
#include "backends/nf_case.h"

namespace lq::backends {
namespace {

bool same_bits_or_nan(float a, float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0 || (std::isnan(a) && std::isnan(b));
}

// Every number of codes' and scales' bits with every block; the second level takes turns.
std::vector<CodebookConfig> decode_configs() {
  std::vector<CodebookConfig> all;
  int turn = 0;
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int scale_bits : {2, 3, 4, 8}) {
      for (const int block : {16, 32, 64}) {
        constexpr ScaleDType kTypes[] = {ScaleDType::kBf16, ScaleDType::kFp16, ScaleDType::kFp32};
        constexpr int kBlocks2[] = {16, 64, 256};
        all.push_back({bits, scale_bits, kTypes[turn % 3], block, kBlocks2[turn / 3 % 3]});
        ++turn;
      }
    }
  }
  return all;
}

void expect_every_part(const NfView& view, const std::vector<float>& expected) {
  const std::int64_t n = view.rows * view.cols;
  for (const std::int64_t begin :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{63}, std::int64_t{64}, n / 2, n - 1}) {
    for (const std::int64_t wanted : {std::int64_t{0}, std::int64_t{1}, std::int64_t{65}, n}) {
      const std::int64_t count = std::min(wanted, n - begin);
      if (count < 0) continue;
      std::vector<float> out(static_cast<std::size_t>(count) + 1, -7.0F);
      nf_dequantize(view, begin, count, out.data());
      EXPECT_EQ(out.back(), -7.0F) << "wrote past its end";
      out.pop_back();
      const auto [have, want] =
          std::mismatch(out.begin(), out.end(), expected.begin() + begin, same_bits_or_nan);
      ASSERT_EQ(have, out.end()) << view.format.bits << ' ' << view.format.scale_bits << ' '
                                 << view.format.block << ": element " << want - expected.begin() << " of "
                                 << n;
    }
  }
}

TEST(NfDecode, PartsOfEveryConfiguration) {
  for (const CodebookConfig& config : decode_configs()) {
    for (const std::int64_t n : {1, 65, 64 * 65 + 3}) {
      const NfCase c(config, n);
      expect_every_part(c.view, c.expected);
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        std::vector<float> whole(c.expected.size());
        nf_dequantize(pool, c.view, whole.data());
        ASSERT_EQ(whole, c.expected) << to_string(config) << ' ' << n;
      }
    }
  }
}

// Bytes that no quantizer wrote: in buffers of exact size, so that a sanitizer sees each read outside.
TEST(NfDecode, AnyBytesAreReadAsTheReferenceReadsThem) {
  std::mt19937 random(5);
  for (const CodebookConfig& config : decode_configs()) {
    NfCase c(config, 64 * 16 + 9);
    for (auto* part : {&c.packed.codes, &c.packed.scales, &c.packed.scales2}) {
      for (std::uint8_t& byte : *part) byte = static_cast<std::uint8_t>(random());
      part->shrink_to_fit();
    }
    c.packed.offset = 0.01F;
    c.view.codes = c.packed.codes.data(), c.view.scales = c.packed.scales.data();
    c.view.scales2 = c.packed.scales2.data(), c.view.offset = c.packed.offset;
    const std::int64_t n = std::ssize(c.expected);
    codebook_reference_dequantize(c.packed, n, config, c.book, 0, n, c.expected.data());
    expect_every_part(c.view, c.expected);
  }
}

// Outputs of this size go past the caches where they are aligned.
TEST(NfDecode, LargeMatricesToAnyAddress) {
  constexpr std::int64_t kRows = (std::int64_t{4} << 20) / 64 + 1, kCols = 65;
  constexpr NfFormat kFormat{4, 8, ScaleDType::kFp32, 64, 256};
  constexpr std::int64_t kCount = kRows * kCols, kBlocks = (kCount + 63) / 64;
  std::mt19937 random(7);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(kBlocks * 8 * 4));
  std::vector<std::uint8_t> scales(static_cast<std::size_t>((kBlocks + 63) / 64 * 8 * 8));
  for (std::uint8_t& byte : codes) byte = static_cast<std::uint8_t>(random());
  for (std::uint8_t& byte : scales) byte = static_cast<std::uint8_t>(random());
  const std::vector<float> scales2(static_cast<std::size_t>((kBlocks + 255) / 256), 0.3F);
  const NfView view{
      codes.data(), scales.data(), scales2.data(), 0.01F,
      kFormat,      kRows,         kCols,          codebook_of(CodebookKind::kNormalFloat, 4).values};
  std::vector<float> expected(static_cast<std::size_t>(kCount));
  for (std::int64_t at = 0; at < kCount; at += 100'001) {
    nf_dequantize(view, at, std::min<std::int64_t>(100'001, kCount - at), expected.data() + at);
  }
  std::vector<float> out(expected.size() + 1);
  for (const int threads : {1, 2}) {
    for (const std::size_t shift : {0, 1}) {
      ThreadPool pool(threads);
      std::fill(out.begin(), out.end(), 0.0F);
      nf_dequantize(pool, view, out.data() + shift);
      EXPECT_EQ(std::memcmp(out.data() + shift, expected.data(), 4 * expected.size()), 0)
          << threads << ' ' << shift;
    }
  }
}

}  // namespace
}  // namespace lq::backends
