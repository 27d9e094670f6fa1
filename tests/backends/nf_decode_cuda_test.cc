#include "backends/cuda/nf_decode.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends/cuda/device.h"
#include "backends/nf_case.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

TEST(NfDecodeCuda, BuildsWithoutCudaRefuse) {
  if (built_in()) GTEST_SKIP() << "this build has CUDA";
  EXPECT_TRUE(devices().empty());
  try {
    nf_dequantize(NfView{}, nullptr);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("no CUDA"), std::string::npos) << e.what();
  }
  EXPECT_THROW(DeviceBytes(8), Error);
}

TEST(NfDecodeCuda, EqualsTheReferenceOnADevice) {
  if (!built_in()) GTEST_SKIP() << "this build has no CUDA";
  if (devices().empty()) GTEST_SKIP() << "no CUDA device on this machine";
  for (const CodebookConfig& config : all_nf_configs()) {
    for (const std::int64_t n : {1, 17, 1000, 300007}) {
      const NfCase c(config, n);
      const DeviceBytes codes(c.packed.codes.data(), c.packed.codes.size());
      const DeviceBytes scales(c.packed.scales.data(), c.packed.scales.size());
      const DeviceBytes scales2(c.packed.scales2.data(), c.packed.scales2.size());
      const DeviceBytes book(c.book.values, sizeof c.book.values);
      const DeviceBytes out(c.expected.size() * sizeof(float));
      NfView view = c.view;
      view.codes = codes.as<std::uint8_t>();
      view.scales = scales.as<std::uint8_t>();
      view.scales2 = scales2.get();
      view.codebook = book.as<float>();
      nf_dequantize(view, out.as<float>());
      std::vector<float> host(c.expected.size());
      out.download(host.data(), host.size() * sizeof(float));
      ASSERT_EQ(std::memcmp(host.data(), c.expected.data(), host.size() * sizeof(float)), 0)
          << to_string(config) << ", " << n << " elements";
    }
  }
}

}  // namespace
}  // namespace lq::backends::cuda
