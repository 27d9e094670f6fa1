#include "files/codec.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "base/error.h"

namespace lq {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, gzip's header and trailer
constexpr std::uint64_t kXzMemory = std::uint64_t{2} << 30;
constexpr int kZstdWindow = 31;  // logarithm of bytes

// zlib and bzip2 count in 32 bits.
unsigned piece(std::size_t size) { return static_cast<unsigned>(std::min<std::size_t>(size, 1U << 30)); }

class GzipCodec final : public Codec {
 public:
  GzipCodec() { LQ_CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK, kInternal, "[gzip] no memory"); }
  ~GzipCodec() override { inflateEnd(&stream_); }
  GzipCodec(const GzipCodec&) = delete;
  GzipCodec& operator=(const GzipCodec&) = delete;

  Status run(std::string_view& in, std::span<char>& out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = piece(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = piece(out.size());
    const uInt given = stream_.avail_in, room = stream_.avail_out;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(given - stream_.avail_in);
    out = out.subspan(room - stream_.avail_out);
    if (code == Z_STREAM_END) return Status::kEnd;
    return code == Z_OK || code == Z_BUF_ERROR ? Status::kMore : Status::kDamaged;
  }
  void restart() override { inflateReset(&stream_); }

 private:
  z_stream stream_{};
};

class ZstdCodec final : public Codec {
 public:
  ZstdCodec() : stream_(ZSTD_createDStream()) {
    LQ_CHECK(stream_ != nullptr, kInternal, "[zstd] no memory");
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kZstdWindow);
  }
  ~ZstdCodec() override { ZSTD_freeDStream(stream_); }
  ZstdCodec(const ZstdCodec&) = delete;
  ZstdCodec& operator=(const ZstdCodec&) = delete;

  Status run(std::string_view& in, std::span<char>& out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t code = ZSTD_decompressStream(stream_, &output, &input);
    in.remove_prefix(input.pos);
    out = out.subspan(output.pos);
    if (ZSTD_isError(code) != 0) return Status::kDamaged;
    return code == 0 ? Status::kEnd : Status::kMore;
  }
  void restart() override { ZSTD_DCtx_reset(stream_, ZSTD_reset_session_only); }

 private:
  ZSTD_DStream* stream_;
};

class XzCodec final : public Codec {
 public:
  XzCodec() { restart(); }
  ~XzCodec() override { lzma_end(&stream_); }
  XzCodec(const XzCodec&) = delete;
  XzCodec& operator=(const XzCodec&) = delete;

  Status run(std::string_view& in, std::span<char>& out) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_out = out.size();
    const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    in.remove_prefix(in.size() - stream_.avail_in);
    out = out.subspan(out.size() - stream_.avail_out);
    if (code == LZMA_STREAM_END) return Status::kEnd;
    return code == LZMA_OK || code == LZMA_BUF_ERROR ? Status::kMore : Status::kDamaged;
  }
  void restart() override {
    LQ_CHECK(lzma_stream_decoder(&stream_, kXzMemory, 0) == LZMA_OK, kInternal, "[xz] no memory");
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class Bzip2Codec final : public Codec {
 public:
  Bzip2Codec() { start(); }
  ~Bzip2Codec() override { BZ2_bzDecompressEnd(&stream_); }
  Bzip2Codec(const Bzip2Codec&) = delete;
  Bzip2Codec& operator=(const Bzip2Codec&) = delete;

  Status run(std::string_view& in, std::span<char>& out) override {
    stream_.next_in = const_cast<char*>(in.data());
    stream_.avail_in = piece(in.size());
    stream_.next_out = out.data();
    stream_.avail_out = piece(out.size());
    const unsigned given = stream_.avail_in, room = stream_.avail_out;
    const int code = BZ2_bzDecompress(&stream_);
    in.remove_prefix(given - stream_.avail_in);
    out = out.subspan(room - stream_.avail_out);
    if (code == BZ_STREAM_END) return Status::kEnd;
    return code == BZ_OK ? Status::kMore : Status::kDamaged;
  }
  void restart() override {
    BZ2_bzDecompressEnd(&stream_);
    start();
  }

 private:
  void start() {
    stream_ = {};
    LQ_CHECK(BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK, kInternal, "[bzip2] no memory");
  }
  bz_stream stream_{};
};

}  // namespace

std::unique_ptr<Codec> make_gzip_codec() { return std::make_unique<GzipCodec>(); }
std::unique_ptr<Codec> make_zstd_codec() { return std::make_unique<ZstdCodec>(); }
std::unique_ptr<Codec> make_xz_codec() { return std::make_unique<XzCodec>(); }
std::unique_ptr<Codec> make_bzip2_codec() { return std::make_unique<Bzip2Codec>(); }

}  // namespace lq
