// One streaming decoder a compressed format, all with the same face. For files/compressed.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

namespace lq {

class Codec {
 public:
  virtual ~Codec() = default;
  enum class Status {
    kMore,     // of the member is to come
    kEnd,      // the member ended; restart() before the next
    kDamaged,  // the data contradict their format
  };
  // Takes from the front of `in`, writes to the front of `out`, and advances both. kMore without any advance:
  // it waits for input.
  virtual Status run(std::string_view& in, std::span<char>& out) = 0;
  virtual void restart() = 0;
};

// Throw Error(kInternal) where there is no memory.
std::unique_ptr<Codec> make_gzip_codec();
std::unique_ptr<Codec> make_zstd_codec();
std::unique_ptr<Codec> make_xz_codec();
std::unique_ptr<Codec> make_bzip2_codec();

}  // namespace lq
