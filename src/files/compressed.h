// Compressed files as the bytes inside them: gzip, zstd, xz and bzip2, told apart by their first bytes, not
// by their names. Memory is bounded whatever a file says: the formats' own windows (zstd: at most 2 GiB, as
// --long=31 makes them) and one buffer.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "files/byte_source.h"

namespace lq {

enum class Compression { kNone, kGzip, kZstd, kXz, kBzip2 };
std::string_view compression_name(Compression compression);  // "none", "gzip", "zstd", "xz", "bzip2"

// By the first bytes of a file; 10 of them are enough.
Compression compression_of(std::string_view head);

// What the source's bytes hold. Several members or frames in a row count as one text, zero bytes behind them
// are padding. Throws Error(kCorruptFile) with `name` for damaged data, a cut end, or other bytes behind it.
// kNone gives the source itself.
std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> source, Compression compression,
                                         std::string name);

// A file, decompressed where it is compressed. Throws as open_raw_bytes and decompressed do.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

// The ending that compressed files of these formats have behind their own: ".gz", ".zst", ".xz", ".bz2" ...
// REQUIRES: lower case.
bool is_compression_suffix(std::string_view extension);

}  // namespace lq
