// The bytes of a file, one buffer after the other, decompressed on the way where it is compressed.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace lq {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes; empty at the end, and from then on. Valid until the next call.
  virtual std::string_view next() = 0;
};

// The file as it is. Throws Error(kNotFound) for a missing file, Error(kInvalidArgument) for a folder,
// Error(kIo).
std::unique_ptr<ByteSource> open_raw_bytes(const std::filesystem::path& path);

// bytes outlives the source, which gives `piece` of them at a time.
std::unique_ptr<ByteSource> bytes_in_memory(std::string_view bytes, std::size_t piece = std::string::npos);

// `head` first, then what `rest` gives.
std::unique_ptr<ByteSource> bytes_after(std::string head, std::unique_ptr<ByteSource> rest);

// The first bytes of a source, at least `wanted` of them where it has as many; it gives those behind them
// from then on.
std::string take_head(ByteSource& source, std::size_t wanted);

}  // namespace lq
