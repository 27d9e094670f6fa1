#include "files/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "base/error.h"

namespace lq {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, gzip's header and trailer

Bytef* bytes_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

// Feeds at most 1 GiB at a time: zlib counts in 32 bits.
uInt next_piece(std::size_t left) {
  return static_cast<uInt>(std::min<std::size_t>(left, std::size_t{1} << 30));
}

}  // namespace

std::string gzip(std::string_view text) {
  z_stream stream{};
  LQ_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY) == Z_OK, kInternal,
           "[gzip] no memory");
  std::string out;
  std::string buffer(1 << 16, '\0');
  std::size_t used = 0;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      stream.next_in = bytes_of(text.substr(used));
      stream.avail_in = next_piece(text.size() - used);
      used += stream.avail_in;
    }
    stream.next_out = bytes_of(buffer);
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = deflate(&stream, used == text.size() ? Z_FINISH : Z_NO_FLUSH);
    out.append(buffer, 0, buffer.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  return out;
}

std::string gunzip(std::string_view bytes, std::uint64_t limit, std::string_view who) {
  struct Stream : z_stream {
    Stream() : z_stream{} {
      LQ_CHECK(inflateInit2(this, kGzipWindowBits) == Z_OK, kInternal, "[gzip] no memory");
    }
    ~Stream() { inflateEnd(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
  } stream;
  std::string out;
  std::string buffer(1 << 16, '\0');
  std::size_t used = 0;
  for (;;) {
    if (stream.avail_in == 0) {
      stream.next_in = bytes_of(bytes.substr(used));
      stream.avail_in = next_piece(bytes.size() - used);
      used += stream.avail_in;
    }
    stream.next_out = bytes_of(buffer);
    stream.avail_out = static_cast<uInt>(buffer.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, 0, buffer.size() - stream.avail_out);
    LQ_CHECK(out.size() <= limit, kCorruptFile, "{}: more than {} bytes inside, which no such file has", who,
             limit);
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0 && used == bytes.size()) return out;
      inflateReset(&stream);
    } else {
      LQ_CHECK(status != Z_BUF_ERROR || stream.avail_in > 0 || used < bytes.size(), kCorruptFile,
               "{}: cut short", who);
      LQ_CHECK(status == Z_OK || status == Z_BUF_ERROR, kCorruptFile, "{}: not gzip, or damaged", who);
    }
  }
}

}  // namespace lq
