// Lines of a text file, plain or compressed (gzip, zstd, xz, bzip2: told apart by content, not by name).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace lq {

class LineReader {
 public:
  // Throws kNotFound, kIo, kInvalidArgument for a folder; kUnsupported, with what it is and what to do, for
  // a file that is not text (Parquet, zip, UTF-16, ...: files/text_check.h).
  explicit LineReader(const std::filesystem::path& path);
  // Over bytes in memory, plain; name stands for the file in errors. bytes outlives the reader.
  LineReader(std::string_view bytes, std::string name);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;

  // The first bytes of the file (kTextHead of them where it has as many), without a byte order mark.
  std::string_view head() const;
  // The next line without its line end (\n or \r\n); false at the end of the file. A UTF-8 byte order mark
  // before the first line is dropped. Throws kCorruptFile for damaged compressed data, kUnsupported for a
  // line above 1 GiB.
  bool next(std::string& line);
  // How the line that next() gave last ended: "\n", "\r\n", or "" at the end of the file.
  std::string_view line_end() const;
  // The rest of the file as it is, line ends too.
  std::string rest();

  std::int64_t line_number() const;  // of the line that next() gave last, from 1
  const std::string& name() const;   // the path
  // "path:line", for errors.
  std::string place() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lq
