#include "files/text_check.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using namespace std::string_view_literals;

struct Case {
  std::string head;
  std::string_view what;  // "": may be text
};

std::string bytes(std::string_view text) { return std::string(text); }

std::string at(std::size_t offset, std::string_view text) {
  std::string out(offset, '\0');
  out += text;
  return out + std::string(200, '\0');
}

std::string wide(std::string_view text, bool big_endian) {
  std::string out;
  for (const char c : text) {
    if (big_endian) out.push_back('\0');
    out.push_back(c);
    if (!big_endian) out.push_back('\0');
  }
  return out;
}

TEST(TextCheck, FormatsAreNamed) {
  const std::vector<Case> cases = {
      {bytes("PAR1\x15\x04\0\0"sv), "a Parquet file"},
      {bytes("ARROW1\0\0"sv), "an Arrow (Feather) file"},
      {bytes("\xFF\xFF\xFF\xFF\x70\0\0\0"sv), "an Arrow stream"},
      {bytes("FEA1\0"sv), "a Feather file"},
      {bytes("Obj\x01"sv), "an Avro file"},
      {bytes("ORC\x08\x03\x10"sv), "an ORC file"},
      {bytes("SQLite format 3\0"sv), "an SQLite database"},
      {bytes("\x89HDF\r\n\x1A\n"sv), "an HDF5 file"},
      {bytes("\x93NUMPY\x01\0"sv), "a NumPy array"},
      {bytes("PK\x03\x04\x14\0"sv), "a zip archive"},
      {bytes("7z\xBC\xAF\x27\x1C\0"sv), "a 7z archive"},
      {bytes("Rar!\x1A\x07\x01"sv), "a RAR archive"},
      {at(257, "ustar\0"sv), "a tar archive"},
      {bytes("\x80\x04\x95\0"sv), "a Python pickle"},
      {bytes("\x80\x02}q\0"sv), "a Python pickle"},
      {bytes("GGUF\x03\0\0\0"sv), "a GGUF model"},
      {io_test::safetensors_bytes("{\"a\":1}", 8), "a safetensors file"},
      {bytes("%PDF-1.7\n"), "a PDF document"},
      {bytes("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv), "an old Office document"},
      {bytes("{\\rtf1\\ansi"), "a rich text document"},
      {bytes("\x89PNG\r\n\x1A\n\0"sv), "a PNG image"},
      {bytes("\xFF\xD8\xFF\xE0\0"sv), "a JPEG image"},
      {bytes("GIF89a\x01\0"sv), "a GIF image"},
      {bytes("RIFF\x10\0\0\0WAVE"sv), "a RIFF file"},
      {bytes("\0\0\0\x20"
             "ftypisom"sv),
       "an MP4 recording"},
      {bytes("\x7F"
             "ELF\x02"sv),
       "a program"},
      {bytes("\x1F\x8B\x08"sv), "gzip data"},
      {bytes("\x28\xB5\x2F\xFD\x04"sv), "zstd data"},
      {bytes("\x04\x22\x4D\x18"sv), "LZ4 data"},
      {bytes("\x5D\0\0\x80"sv), "LZMA data"},
      {bytes("\xFF\xFE\0\0h\0\0\0"sv), "UTF-32 text"},
      {bytes("\xFF\xFEh\0i\0"sv), "UTF-16 text, not UTF-8"},
      {bytes("\xFE\xFF\0h\0i"sv), "UTF-16 text, not UTF-8"},
      {wide("{\"text\": \"hello\"}", false), "UTF-16 text without a mark"},
      {wide("some words", true), "UTF-16 text without a mark"},
      {bytes("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"), "a pointer of Git LFS"},
      {bytes("text with \0 inside"sv), "a file with zero bytes"},
  };
  for (const Case& c : cases) {
    const auto found = not_text(c.head);
    ASSERT_TRUE(found) << c.what;
    EXPECT_TRUE(found->what.starts_with(c.what)) << found->what << " for " << c.what;
    expect_error(ErrorCode::kUnsupported, {"dir/f.x: ", c.what, "cannot be read as data; "},
                 [&] { check_is_text(c.head, "dir/f.x"); });
  }
  expect_error(ErrorCode::kUnsupported, {"pandas.read_parquet('d.parquet').to_json('data.jsonl'"},
               [] { check_is_text("PAR1\0"sv, "d.parquet"); });
}

TEST(TextCheck, TextsThatBeginLikeFormatsAreText) {
  for (const std::string_view text :
       {""sv, "a"sv, "PAR1 is the mark of Parquet."sv, "ORC and elf"sv, "RIFF-raff"sv, "ID3,label\n1,2\n"sv,
        "GGUF is a format"sv, "FEA1,FEA2\n"sv, "PARENTS know"sv, "Rar! it said"sv, "MMXX"sv, "xxxxftypxxxx"sv,
        "{\"a\": 1}"sv, "\xEF\xBB\xBFmark"sv, "caf\xE9 in Latin-1"sv, "tab\tand\x1B[1mcolour\f"sv,
        "\xC3\xA9\xE2\x82\xAC"sv}) {
    EXPECT_FALSE(not_text(text)) << text << ": " << not_text(text)->what;
  }
}

}  // namespace
}  // namespace lq
