// Whole matrices to bf16, unit by unit as CUDA threads share them: the reference's f32, rounded.
#include "backends/cuda/decode_element.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "backends/nf_case.h"
#include "base/float16.h"

namespace lq::backends::cuda {
namespace {

template <int kBits>
std::vector<std::uint16_t> decode_as_threads(const NfView& v) {
  const std::int64_t n = v.rows * v.cols;
  std::vector<std::uint16_t> out(static_cast<std::size_t>(n), 0xffffU);
  const std::int64_t units = (n + kNfGroup - 1) / kNfGroup * decode_units(kBits);
  for (std::int64_t unit = 0; unit < units; ++unit) {
    decode_unit<kBits>(
        v, unit, [&](unsigned code) { return v.codebook[code]; },
        [&](std::int64_t at, const std::uint16_t* values) {
          std::copy_n(values, std::min<std::int64_t>(kDecodeRun, n - at), out.begin() + at);
        });
  }
  return out;
}

TEST(DecodeElement, UnitsGiveTheReferencesValuesRounded) {
  for (const CodebookConfig& config : all_nf_configs()) {
    if (config.bits == 5 || config.bits == 6) continue;  // decoded run by run, as any other layout
    for (const std::int64_t n : {1, 15, 16, 17, 63, 65, 1000, 4099}) {
      const NfCase c(config, n);
      const auto have = config.bits == 2   ? decode_as_threads<2>(c.view)
                        : config.bits == 3 ? decode_as_threads<3>(c.view)
                        : config.bits == 4 ? decode_as_threads<4>(c.view)
                                           : decode_as_threads<8>(c.view);
      for (std::size_t i = 0; i < have.size(); ++i)
        ASSERT_EQ(have[i], to_bf16(c.expected[i]).bits) << to_string(config) << ", " << i << " of " << n;
    }
  }
}

}  // namespace
}  // namespace lq::backends::cuda
