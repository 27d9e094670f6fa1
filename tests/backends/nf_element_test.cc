// What a CUDA thread computes, run on the CPU thread by thread, against the codec that defines the format.
#include "backends/cuda/nf_element.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "backends/nf_case.h"
#include "base/float16.h"

namespace lq::backends::cuda {
namespace {

TEST(NfElement, ThreadsDecodeEveryConfigurationToTheReferencesBits) {
  for (const CodebookConfig& config : all_nf_configs()) {
    for (const std::int64_t n : {1, 15, 16, 17, 63, 65, 1000, 4099}) {
      const NfCase c(config, n);
      std::vector<float> out(static_cast<std::size_t>(n), -1.0F);
      constexpr int kRun = 4;
      for (std::int64_t first = 0; first < n; first += kRun) {
        const int count = static_cast<int>(std::min<std::int64_t>(kRun, n - first));
        decode_nf_run(c.view, c.view.codebook, first, count, out.data() + first);
      }
      ASSERT_EQ(std::memcmp(out.data(), c.expected.data(), out.size() * sizeof(float)), 0)
          << to_string(config) << ", " << n << " elements";
    }
  }
}

TEST(NfElement, HalvesAreExact) {
  for (std::uint32_t half = 0; half < 0x10000U; ++half) {
    if ((half & 0x7fffU) > 0x7c00U) continue;  // NaN: no packed file has one
    ASSERT_EQ(std::bit_cast<std::uint32_t>(float_of_half(half)),
              std::bit_cast<std::uint32_t>(to_float(f16{static_cast<std::uint16_t>(half)})));
  }
}

}  // namespace
}  // namespace lq::backends::cuda
