// GGUF files as they lie on disk: one, or the parts of a split one, memory-mapped and checked as a whole when
// opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "files/mapped_file.h"
#include "formats/gguf/gguf_header.h"

namespace lq {

// Move-only; nothing changes after construction, so that it is thread-safe.
class GgufFile {
 public:
  // A file whose key split.count is above 1 is the first of NAME-00001-of-00003.gguf ...; the others are
  // looked for beside it. Throws what parse_gguf throws, Error(kNotFound) for a missing part,
  // Error(kInvalidArgument) where another part than the first is named, Error(kCorruptFile) for parts that do
  // not belong together.
  explicit GgufFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::string& who() const { return who_; }  // "[gguf] FILE"
  std::uint32_t version() const { return parts_.front().header.version; }
  const std::vector<GgufValue>& values() const { return parts_.front().header.values; }
  std::size_t files() const { return parts_.size(); }
  std::uint64_t file_bytes() const;

  struct Tensor {
    const GgufTensor* entry;
    const std::byte* data;  // entry->bytes of them
  };
  // Part by part, in the order of the headers.
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  struct Part {
    MappedFile file;
    GgufHeader header;
  };
  void add_part(const std::filesystem::path& path);
  void open_rest(std::int64_t count);
  void collect();

  std::filesystem::path path_;
  std::string who_;
  std::vector<Part> parts_;
  std::vector<Tensor> tensors_;
};

}  // namespace lq
