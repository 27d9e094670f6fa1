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
  constexpr Device kFirst{DeviceKind::kCuda, 0};
  try {
    open_queue(kFirst);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("no CUDA"), std::string::npos) << e.what();
  }
  EXPECT_THROW(allocate(kFirst, 8), Error);
}

// Memory of the first device, with what lies in it.
class Bytes {
 public:
  Bytes(DeviceQueue& queue, const void* host, std::size_t size)
      : bytes_(allocate({DeviceKind::kCuda, 0}, size)) {
    if (host != nullptr) copy_to_device(queue, host, size, bytes_);
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { release(bytes_); }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(bytes_);
  }

 private:
  std::byte* bytes_;
};

TEST(NfDecodeCuda, EqualsTheReferenceOnADevice) {
  if (!built_in()) GTEST_SKIP() << "this build has no CUDA";
  if (devices().empty()) GTEST_SKIP() << "no CUDA device on this machine";
  const Queue queue = open_queue({DeviceKind::kCuda, 0});
  for (const CodebookConfig& config : all_nf_configs()) {
    for (const std::int64_t n : {1, 17, 1000, 300007}) {
      const NfCase c(config, n);
      const Bytes codes(*queue, c.packed.codes.data(), c.packed.codes.size());
      const Bytes scales(*queue, c.packed.scales.data(), c.packed.scales.size());
      const Bytes scales2(*queue, c.packed.scales2.data(), c.packed.scales2.size());
      const Bytes book(*queue, c.book.values, sizeof c.book.values);
      const Bytes out(*queue, nullptr, c.expected.size() * sizeof(float));
      NfView view = c.view;
      view.codes = codes.as<std::uint8_t>();
      view.scales = scales.as<std::uint8_t>();
      view.scales2 = scales2.as<void>();
      view.codebook = book.as<float>();
      nf_dequantize(*queue, view, out.as<float>());
      std::vector<float> host(c.expected.size());
      copy_to_host(*queue, out.as<float>(), host.size() * sizeof(float), host.data());
      ASSERT_EQ(std::memcmp(host.data(), c.expected.data(), host.size() * sizeof(float)), 0)
          << to_string(config) << ", " << n << " elements";
    }
  }
}

}  // namespace
}  // namespace lq::backends::cuda
