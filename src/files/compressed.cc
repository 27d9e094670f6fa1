#include "files/compressed.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "files/codec.h"

namespace lq {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kInflateBuffer = std::size_t{1} << 17;
constexpr std::size_t kHead = 10;

std::unique_ptr<Codec> make_codec(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return make_gzip_codec();
    case Compression::kZstd:
      return make_zstd_codec();
    case Compression::kXz:
      return make_xz_codec();
    case Compression::kBzip2:
      return make_bzip2_codec();
    case Compression::kNone:
      break;
  }
  fail(ErrorCode::kInternal, "[files] no decoder for plain bytes");
}

class Decompressed final : public ByteSource {
 public:
  Decompressed(std::unique_ptr<ByteSource> source, Compression compression, std::string name)
      : source_(std::move(source)),
        codec_(make_codec(compression)),
        compression_(compression),
        name_(std::move(name)),
        buffer_(kInflateBuffer, '\0') {}

  std::string_view next() override {
    for (;;) {
      if (in_.empty() && !ended_) {
        in_ = source_->next();
        ended_ = in_.empty();
      }
      if (between_ && !begin_member()) {
        if (ended_) return {};
        continue;
      }
      std::span<char> room(buffer_);
      const std::size_t before = in_.size();
      const Codec::Status status = codec_->run(in_, room);
      const std::size_t made = buffer_.size() - room.size();
      if (status == Codec::Status::kEnd) between_ = true;
      // Without a step forward and without more input, the end is missing.
      const bool stuck =
          status == Codec::Status::kMore && made == 0 && in_.size() == before && (ended_ || before > 0);
      LQ_CHECK(status != Codec::Status::kDamaged && !stuck, kCorruptFile, "{}: damaged or cut off {} data",
               name_, compression_name(compression_));
      if (made > 0) return std::string_view(buffer_).substr(0, made);
    }
  }

 private:
  // Between two members: passes over padding; whether another one begins here.
  bool begin_member() {
    while (!in_.empty() && in_.front() == '\0' && !first_) in_.remove_prefix(1);
    if (in_.empty()) return false;
    if (!std::exchange(first_, false)) codec_->restart();
    between_ = false;
    return true;
  }

  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<Codec> codec_;
  Compression compression_;
  std::string name_;
  std::string buffer_;
  std::string_view in_;
  bool ended_ = false;   // the source
  bool between_ = true;  // before the first member, or behind one
  bool first_ = true;
};

}  // namespace

std::string_view compression_name(Compression compression) {
  constexpr std::array kNames = {"none"sv, "gzip"sv, "zstd"sv, "xz"sv, "bzip2"sv};
  return kNames[static_cast<std::size_t>(compression)];
}

Compression compression_of(std::string_view head) {
  if (head.starts_with("\x1F\x8B"sv)) return Compression::kGzip;
  if (head.starts_with("\x28\xB5\x2F\xFD"sv)) return Compression::kZstd;
  // A skippable frame, which tools write in front of the first one.
  if (head.size() >= 4 && (head[0] & '\xF0') == '\x50' && head.substr(1, 3) == "\x2A\x4D\x18"sv) {
    return Compression::kZstd;
  }
  if (head.starts_with("\xFD"
                       "7zXZ\0"sv)) {
    return Compression::kXz;
  }
  // "BZh" and a digit may begin a text; the mark of the first block (or of the end) does not.
  if (head.starts_with("BZh"sv) && head.size() >= 10 && head[3] >= '1' && head[3] <= '9' &&
      (head.substr(4, 6) == "1AY&SY"sv || head.substr(4, 6) == "\x17rE8P\x90"sv)) {
    return Compression::kBzip2;
  }
  return Compression::kNone;
}

std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> source, Compression compression,
                                         std::string name) {
  if (compression == Compression::kNone) return source;
  return std::make_unique<Decompressed>(std::move(source), compression, std::move(name));
}

std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path) {
  std::unique_ptr<ByteSource> raw = open_raw_bytes(path);
  std::string head = take_head(*raw, kHead);
  const Compression compression = compression_of(head);
  return decompressed(bytes_after(std::move(head), std::move(raw)), compression, path.string());
}

bool is_compression_suffix(std::string_view extension) {
  constexpr std::array kSuffixes = {".gz"sv, ".bgz"sv, ".zst"sv, ".zstd"sv, ".xz"sv, ".bz2"sv};
  for (const std::string_view suffix : kSuffixes) {
    if (extension == suffix) return true;
  }
  return false;
}

}  // namespace lq
