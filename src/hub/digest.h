// SHA-1 and SHA-256 (FIPS 180-4): what the hub names files by. Identity of content here is base/hash.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lq::hub {

enum class DigestKind { kSha1, kSha256 };

class Digest {
 public:
  explicit Digest(DigestKind kind);
  void update(const void* bytes, std::size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  // 40 or 64 lower-case hexadecimal digits. Nothing can be added after.
  std::string hex();

 private:
  void block(const std::uint8_t* bytes);

  DigestKind kind_;
  std::array<std::uint32_t, 8> state_{};
  std::array<std::uint8_t, 64> rest_{};
  std::size_t held_ = 0;     // bytes in rest_
  std::uint64_t total_ = 0;  // bytes
};

}  // namespace lq::hub
