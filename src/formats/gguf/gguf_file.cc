#include "formats/gguf/gguf_file.h"

#include <unordered_set>

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_metadata.h"

namespace lq {
namespace {

constexpr std::int64_t kPartsLimit = 99999;  // five digits

struct Split {
  std::int64_t number, count, tensors;  // the file's place among `count`; tensors of all, -1: not said
};

Split split_of(const GgufHeader& header, const std::string& who) {
  const GgufMetadata keys(header.values, who);
  const std::int64_t count = keys.integer_or("split.count", 1, 0, kPartsLimit);
  return {keys.integer_or("split.no", 0, 0, kPartsLimit), std::max<std::int64_t>(1, count),
          keys.integer_or("split.tensors.count", -1, 0, std::int64_t{1} << 31)};
}

std::string split_ending(std::int64_t number, std::int64_t count) {
  return fmt::format("-{:05d}-of-{:05d}.gguf", number + 1, count);
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : path_(path), who_("[gguf] " + path.string()) {
  add_part(path);
  const Split split = split_of(parts_.front().header, who_);
  if (split.count > 1) {
    LQ_CHECK(split.number == 0, kInvalidArgument,
             "{}: is part {} of {}; name the first part, which ends in {}", who_, split.number + 1,
             split.count, split_ending(0, split.count));
    open_rest(split.count);
  }
  collect();
  LQ_CHECK(split.tensors < 0 || split.tensors == std::ssize(tensors_), kCorruptFile,
           "{}: split.tensors.count is {}, but the {} parts have {} tensors", who_, split.tensors,
           parts_.size(), tensors_.size());
}

void GgufFile::add_part(const std::filesystem::path& path) {
  Part part;
  part.file = MappedFile(path);
  part.header = parse_gguf(part.file.data(), part.file.size(), "[gguf] " + path.string());
  parts_.push_back(std::move(part));
}

void GgufFile::open_rest(std::int64_t count) {
  const std::string name = path_.filename().string();
  const std::string ending = split_ending(0, count);
  LQ_CHECK(name.ends_with(ending), kInvalidArgument,
           "{}: is the first of {} parts, so that its name must end in {}", who_, count, ending);
  const std::string stem = name.substr(0, name.size() - ending.size());
  for (std::int64_t number = 1; number < count; ++number) {
    const std::filesystem::path part = path_.parent_path() / (stem + split_ending(number, count));
    std::error_code ignored;
    LQ_CHECK(std::filesystem::exists(part, ignored), kNotFound, "{}: the part {} is missing", who_,
             part.filename().string());
    add_part(part);
    const std::string who = "[gguf] " + part.string();
    const Split split = split_of(parts_.back().header, who);
    LQ_CHECK(split.number == number && split.count == count, kCorruptFile,
             "{}: says that it is part {} of {}, but stands at the place of part {} of {}", who,
             split.number + 1, split.count, number + 1, count);
  }
}

void GgufFile::collect() {
  std::unordered_set<std::string_view> seen;
  for (const Part& part : parts_) {
    for (const GgufTensor& tensor : part.header.tensors) {
      LQ_CHECK(seen.insert(tensor.name).second, kCorruptFile, "{}: the tensor {} is in two parts", who_,
               printable(tensor.name));
      tensors_.push_back({&tensor, part.file.data() + part.header.data_begin + tensor.offset});
    }
  }
}

std::uint64_t GgufFile::file_bytes() const {
  std::uint64_t bytes = 0;
  for (const Part& part : parts_) bytes += part.file.size();
  return bytes;
}

}  // namespace lq
