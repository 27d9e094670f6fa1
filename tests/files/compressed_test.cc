#include "files/compressed.h"

#include <fmt/format.h>

#include "files/gzip.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::get_file;
using io_test::put_file;
using io_test::TempDir;

std::string all_bytes_of(ByteSource& source) {
  std::string out;
  for (std::string_view more = source.next(); !more.empty(); more = source.next()) out += more;
  return out;
}

// Made by the formats' own tools: tests/goldens/compressed/make_compressed.sh.
struct Golden {
  Compression compression;
  const char* ending;
};
constexpr Golden kGoldens[] = {{Compression::kGzip, "gz"},
                               {Compression::kZstd, "zst"},
                               {Compression::kXz, "xz"},
                               {Compression::kBzip2, "bz2"}};

std::string numbers() {
  std::string out;
  for (int i = 0; i < 30000; ++i) out += std::to_string(i) + "\n";
  return out;
}

std::string packed(const Golden& golden) {
  return get_file(std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "compressed" /
                  fmt::format("numbers.{}", golden.ending));
}

TEST(Compressed, EveryFormatByItsFirstBytes) {
  const std::string expected = numbers();
  const TempDir dir;
  for (const Golden& golden : kGoldens) {
    SCOPED_TRACE(golden.ending);
    const std::string bytes = packed(golden);
    EXPECT_EQ(compression_of(bytes), golden.compression);
    put_file(dir / "named.txt", bytes);
    EXPECT_EQ(all_bytes_of(*open_bytes(dir / "named.txt")), expected);
    // Byte by byte, and with padding behind it.
    for (const std::size_t piece : {1UL, 1000UL}) {
      const std::string padded = bytes + std::string(512, '\0');
      EXPECT_EQ(all_bytes_of(*decompressed(bytes_in_memory(padded, piece), golden.compression, "p")),
                expected);
    }
    EXPECT_TRUE(is_compression_suffix(fmt::format(".{}", golden.ending)));
  }
  put_file(dir / "plain.gz", "not compressed");
  EXPECT_EQ(all_bytes_of(*open_bytes(dir / "plain.gz")), "not compressed");
  put_file(dir / "empty", "");
  EXPECT_EQ(all_bytes_of(*open_bytes(dir / "empty")), "");
  EXPECT_EQ(all_bytes_of(*decompressed(bytes_in_memory(gzip("")), Compression::kGzip, "e")), "");
}

TEST(Compressed, DamageAndCutEndsAreNamed) {
  for (const Golden& golden : kGoldens) {
    SCOPED_TRACE(golden.ending);
    const std::string bytes = packed(golden);
    const auto name = std::string(compression_name(golden.compression));
    const auto refused = [&](const std::string& damaged) {
      expect_error(ErrorCode::kCorruptFile, {"f: damaged or cut off " + name + " data"},
                   [&] { all_bytes_of(*decompressed(bytes_in_memory(damaged), golden.compression, "f")); });
    };
    for (const std::size_t cut : {1UL, 5UL, 11UL, 100UL, bytes.size() - 5}) {
      refused(bytes.substr(0, bytes.size() - cut));
    }
    refused(bytes.substr(0, 8));
    refused(bytes + "trailing text");
    std::string flipped = bytes;
    for (std::size_t i = flipped.size() / 2; i < flipped.size() / 2 + 20; ++i) flipped[i] ^= '\x55';
    refused(flipped);
  }
}

TEST(Compressed, TextIsNotTakenForIt) {
  for (const std::string_view text : {"", "B", "BZh9 is a name", "BZh91AY&S", "(\xB5/", "P*M\x17", "\x1F"}) {
    EXPECT_EQ(compression_of(text), Compression::kNone) << text;
  }
  EXPECT_EQ(compression_of("P*M\x18"), Compression::kZstd) << "a skippable frame";
}

}  // namespace
}  // namespace lq
