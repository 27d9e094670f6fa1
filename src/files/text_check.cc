#include "files/text_check.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/error.h"

namespace lq {
namespace {

using namespace std::string_view_literals;

constexpr auto kTable =
    "write its rows as JSON lines: python3 -c \"import pandas; "
    "pandas.read_parquet('FILE').to_json('data.jsonl', orient='records', lines=True)\""sv;
constexpr auto kArrow =
    "write its rows as JSON lines: datasets.Dataset.from_file('FILE').to_json('data.jsonl'), or "
    "pandas.read_feather('FILE').to_json('data.jsonl', orient='records', lines=True)"sv;
constexpr auto kRows = "write its rows as JSON lines or CSV"sv;
constexpr auto kUnpack = "unpack it and name the files inside"sv;
constexpr auto kModel = "give it as the model, and text as the data"sv;
constexpr auto kExtract = "extract its text first"sv;
constexpr auto kTwice = "it is compressed twice; decompress it once"sv;
constexpr auto kNotData = "data are text, JSON lines, JSON, CSV or TSV"sv;
constexpr auto kUtf16 = "convert it: iconv -f UTF-16 -t UTF-8 FILE"sv;
constexpr auto kUtf32 = "convert it: iconv -f UTF-32 -t UTF-8 FILE"sv;

struct Magic {
  std::size_t at;
  std::string_view bytes;
  NotText found;
  bool text = false;  // the format itself is made of letters
};

// The first that fits counts: longer marks stand before the shorter ones that begin them.
constexpr std::array kMagic = {
    Magic{0, "PAR1"sv, {"a Parquet file", kTable}},
    Magic{0, "PARE"sv, {"an encrypted Parquet file", kTable}},
    Magic{0, "ARROW1"sv, {"an Arrow (Feather) file", kArrow}},
    Magic{0, "FEA1"sv, {"a Feather file", kArrow}},
    Magic{0, "\xFF\xFF\xFF\xFF"sv, {"an Arrow stream", kArrow}},
    Magic{0, "Obj\x01"sv, {"an Avro file", kRows}},
    Magic{0, "ORC"sv, {"an ORC file", kRows}},
    Magic{0, "SQLite format 3\0"sv, {"an SQLite database", kRows}},
    Magic{0, "\x89HDF\r\n\x1A\n"sv, {"an HDF5 file", kRows}},
    Magic{0, "\x93NUMPY"sv, {"a NumPy array", kRows}},
    Magic{0, "PK\x03\x04"sv, {"a zip archive (also .npz, .xlsx, .docx, PyTorch's .pt)", kUnpack}},
    Magic{0, "PK\x05\x06"sv, {"an empty zip archive", kUnpack}},
    Magic{0, "7z\xBC\xAF\x27\x1C"sv, {"a 7z archive", kUnpack}},
    Magic{0, "Rar!\x1A\x07"sv, {"a RAR archive", kUnpack}},
    Magic{257, "ustar"sv, {"a tar archive", kUnpack}},
    Magic{0, "\x80\x02"sv, {"a Python pickle", kRows}},
    Magic{0, "\x80\x03"sv, {"a Python pickle", kRows}},
    Magic{0, "\x80\x04"sv, {"a Python pickle", kRows}},
    Magic{0, "\x80\x05"sv, {"a Python pickle", kRows}},
    Magic{0, "GGUF"sv, {"a GGUF model", kModel}},
    Magic{0, "%PDF-"sv, {"a PDF document", kExtract}, true},
    Magic{0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, {"an old Office document (.doc, .xls)", kExtract}},
    Magic{0, "{\\rtf"sv, {"a rich text document", kExtract}, true},
    Magic{0, "\x89PNG\r\n\x1A\n"sv, {"a PNG image", kNotData}},
    Magic{0, "\xFF\xD8\xFF"sv, {"a JPEG image", kNotData}},
    Magic{0, "GIF87a"sv, {"a GIF image", kNotData}},
    Magic{0, "GIF89a"sv, {"a GIF image", kNotData}},
    Magic{0, "II*\0"sv, {"a TIFF image", kNotData}},
    Magic{0, "MM\0*"sv, {"a TIFF image", kNotData}},
    Magic{0, "RIFF"sv, {"a RIFF file (WebP, WAV, AVI)", kNotData}},
    Magic{0, "ID3"sv, {"an MP3 recording", kNotData}},
    Magic{0, "OggS"sv, {"an Ogg recording", kNotData}},
    Magic{0, "fLaC"sv, {"a FLAC recording", kNotData}},
    Magic{4, "ftyp"sv, {"an MP4 recording", kNotData}},
    Magic{0,
          "\x7F"
          "ELF"sv,
          {"a program", kNotData}},
    Magic{0, "\x1F\x8B"sv, {"gzip data", kTwice}},
    Magic{0, "\x28\xB5\x2F\xFD"sv, {"zstd data", kTwice}},
    Magic{0,
          "\xFD"
          "7zXZ\0"sv,
          {"xz data", kTwice}},
    Magic{0, "\x04\x22\x4D\x18"sv, {"LZ4 data", "decompress it: unlz4 FILE"}},
    Magic{0, "\x5D\0\0"sv, {"LZMA data", "decompress it: unlzma FILE"}},
    Magic{0, "\x1F\x9D"sv, {"compress (.Z) data", "decompress it: uncompress FILE"}},
    Magic{0, "\xFF\x06\0\0sNaPpY"sv, {"snappy data", "decompress it: snzip -d FILE"}},
    Magic{0, "\xFF\xFE\0\0"sv, {"UTF-32 text, not UTF-8", kUtf32}},
    Magic{0, "\0\0\xFE\xFF"sv, {"UTF-32 text, not UTF-8", kUtf32}},
    Magic{0, "\xFF\xFE"sv, {"UTF-16 text, not UTF-8", kUtf16}},
    Magic{0, "\xFE\xFF"sv, {"UTF-16 text, not UTF-8", kUtf16}},
    Magic{0,
          "version https://git-lfs.github.com/spec/"sv,
          {"a pointer of Git LFS, not the file itself", "fetch the file: git lfs pull"},
          true},
};

// 8 bytes of a length, then a JSON header of that many bytes.
bool is_safetensors(std::string_view head) {
  if (head.size() < 10 || head[8] != '{') return false;
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    size |= static_cast<std::uint64_t>(static_cast<unsigned char>(head[i])) << (8 * i);
  }
  return size >= 2 && size <= 100'000'000;
}

bool is_letter_like(char c) { return c >= ' ' && c <= '~'; }
// Bytes that no text holds.
bool is_control(char c) { return (c >= '\0' && c < '\b') || (c >= '\x0E' && c < ' ' && c != '\x1B'); }

// Marks of letters alone ("ORC", "RIFF") may begin a text too: something behind them must be none.
bool fits(const Magic& magic, std::string_view head) {
  if (head.size() < magic.at || !head.substr(magic.at).starts_with(magic.bytes)) return false;
  if (magic.text || !std::ranges::all_of(magic.bytes, is_letter_like)) return true;
  return std::ranges::any_of(head.substr(0, kTextHead), is_control);
}

// Every second byte zero: Latin letters in two bytes each, without a mark in front.
bool looks_like_utf16(std::string_view head) {
  std::size_t zero[2] = {0, 0};
  for (std::size_t i = 0; i < head.size(); ++i) zero[i % 2] += head[i] == '\0' ? 1 : 0;
  const std::size_t half = head.size() / 2;
  const bool low = zero[0] == 0 && zero[1] * 10 >= half * 9, high = zero[1] == 0 && zero[0] * 10 >= half * 9;
  return head.size() >= 4 && (low || high);
}

}  // namespace

std::optional<NotText> not_text(std::string_view head) {
  for (const Magic& magic : kMagic) {
    if (fits(magic, head)) return magic.found;
  }
  if (is_safetensors(head)) return NotText{"a safetensors file", kModel};
  head = head.substr(0, kTextHead);
  if (looks_like_utf16(head)) return NotText{"UTF-16 text without a mark, not UTF-8", kUtf16};
  if (head.find('\0') != std::string_view::npos) return NotText{"a file with zero bytes", kNotData};
  return std::nullopt;
}

void check_is_text(std::string_view head, std::string_view name) {
  const auto found = not_text(head);
  if (!found) return;
  std::string advice(found->advice);
  // The last part of the path alone would not be what a user can paste.
  if (const std::size_t at = advice.find("FILE"); at != std::string::npos) advice.replace(at, 4, name);
  fail(ErrorCode::kUnsupported, "{}: {}, which cannot be read as data; {}", name, found->what, advice);
}

}  // namespace lq
