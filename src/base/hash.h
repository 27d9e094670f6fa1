// 128-bit content hashes (XXH3): identity of models, adapters and cached stages. Not for security.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace lq {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void update(const void* bytes, std::size_t size);
  void update(std::string_view text) { update(text.data(), text.size()); }
  // 32 lower-case hexadecimal digits of everything given so far.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Hash of one piece of bytes.
std::string hash_hex(std::string_view bytes);

}  // namespace lq
