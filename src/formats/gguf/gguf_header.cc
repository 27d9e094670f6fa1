#include "formats/gguf/gguf_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <unordered_set>

#include "base/error.h"
#include "base/printable.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

struct ValueType {
  GgufType type;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<ValueType, 13> kValueTypes = {{{GgufType::kU8, "u8", 1},
                                                    {GgufType::kI8, "i8", 1},
                                                    {GgufType::kU16, "u16", 2},
                                                    {GgufType::kI16, "i16", 2},
                                                    {GgufType::kU32, "u32", 4},
                                                    {GgufType::kI32, "i32", 4},
                                                    {GgufType::kF32, "f32", 4},
                                                    {GgufType::kBool, "bool", 1},
                                                    {GgufType::kString, "string", 0},
                                                    {GgufType::kArray, "array", 0},
                                                    {GgufType::kU64, "u64", 8},
                                                    {GgufType::kI64, "i64", 8},
                                                    {GgufType::kF64, "f64", 8}}};

constexpr std::uint64_t kNumelLimit = std::uint64_t{1} << 56;  // so that bytes stay below 2^62
// The fewest bytes that a key with its value, and a tensor's entry, take.
constexpr std::uint64_t kLeastValueBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

// Reads forward; every step is checked against the end of the file.
class GgufCursor {
 public:
  GgufCursor(const std::byte* file, std::uint64_t size, std::string_view who)
      : file_(file), size_(size), who_(who) {}

  std::uint64_t at() const { return at_; }
  std::uint64_t left() const { return size_ - at_; }

  const std::byte* take(std::uint64_t bytes, std::string_view field) {
    LQ_CHECK(bytes <= left(), kCorruptFile, "{}: {} needs {} bytes at byte {}, but the file has {}", who_,
             printable(field), bytes, at_, size_);
    const std::byte* const from = file_ + at_;
    at_ += bytes;
    return from;
  }
  std::uint32_t u32(std::string_view field) { return number<std::uint32_t>(field); }
  std::uint64_t u64(std::string_view field) { return number<std::uint64_t>(field); }
  std::string_view text(std::string_view field) {
    const std::uint64_t length = u64(field);
    const std::byte* const from = take(length, field);
    return {reinterpret_cast<const char*>(from), length};
  }

 private:
  template <typename T>
  T number(std::string_view field) {
    T value;
    std::memcpy(&value, take(sizeof(T), field), sizeof(T));
    return value;
  }

  const std::byte* file_;
  std::uint64_t size_;
  std::string_view who_;
  std::uint64_t at_ = 0;
};

GgufType read_value_type(GgufCursor& in, const std::string& key, std::string_view who) {
  const std::uint32_t number = in.u32(key);
  LQ_CHECK(number < kValueTypes.size(), kCorruptFile,
           "{}: {} has the metadata type {}, which is none (0 to 12)", who, printable(key), number);
  return static_cast<GgufType>(number);
}

void check_bools(const std::byte* data, std::uint64_t count, const std::string& key, std::string_view who) {
  for (std::uint64_t i = 0; i < count; ++i) {
    LQ_CHECK(std::to_integer<int>(data[i]) <= 1, kCorruptFile, "{}: {} is a bool of {}, but must be 0 or 1",
             who, printable(key), std::to_integer<int>(data[i]));
  }
}

GgufValue read_value(GgufCursor& in, std::string_view who) {
  GgufValue value;
  const std::string_view key = in.text("the length of a key");
  LQ_CHECK(!key.empty() && key.size() <= kGgufNameLimit, kCorruptFile,
           "{}: a key of {} bytes at byte {} (expected 1 to {})", who, key.size(), in.at(), kGgufNameLimit);
  LQ_CHECK(utf8::is_valid(key), kCorruptFile, "{}: the key {} is not UTF-8", who, printable(key));
  value.key = key;
  value.type = value.of = read_value_type(in, value.key, who);
  if (value.type == GgufType::kArray) {
    value.of = read_value_type(in, value.key, who);
    LQ_CHECK(value.of != GgufType::kArray, kUnsupported, "{}: {} is an array of arrays, which is not read",
             who, printable(key));
    value.count = in.u64(value.key);
    const std::uint64_t least = value.of == GgufType::kString ? 8 : gguf_type_size(value.of);
    LQ_CHECK(value.count <= in.left() / least, kCorruptFile,
             "{}: {} has {} elements, but the file ends before that", who, printable(key), value.count);
  }
  if (value.of == GgufType::kString) {
    value.data = in.take(0, key);
    for (std::uint64_t i = 0; i < value.count; ++i) (void)in.text(value.key);
  } else {
    value.data = in.take(value.count * gguf_type_size(value.of), value.key);
  }
  if (value.of == GgufType::kBool) check_bools(value.data, value.count, value.key, who);
  return value;
}

GgufTensor read_tensor(GgufCursor& in, std::string_view who) {
  GgufTensor tensor;
  const std::string_view name = in.text("the length of a tensor's name");
  LQ_CHECK(!name.empty() && name.size() <= kGgufNameLimit, kCorruptFile,
           "{}: a tensor's name of {} bytes at byte {} (expected 1 to {})", who, name.size(), in.at(),
           kGgufNameLimit);
  tensor.name = name;
  const std::string shown = printable(name);
  const std::uint32_t rank = in.u32(name);
  LQ_CHECK(rank >= 1 && rank <= kGgufRankLimit, kCorruptFile, "{}: {} has {} dimensions (expected 1 to {})",
           who, shown, rank, kGgufRankLimit);
  std::uint64_t numel = 1;
  for (std::uint32_t i = 0; i < rank; ++i) {
    const std::uint64_t extent = in.u64(name);
    LQ_CHECK(extent >= 1 && extent <= kNumelLimit / numel, kCorruptFile,
             "{}: {} has the extent {} (expected at least 1, and no more than 2^56 elements in all)", who,
             shown, extent);
    numel *= extent;
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(extent));
  }
  const std::uint32_t number = in.u32(name);
  const ggml::GgmlTypeInfo* const info = ggml::find_type(number);
  LQ_CHECK(info != nullptr, kUnsupported, "{}: {} is of type {}: {}", who, shown, number,
           ggml::type_text(number));
  tensor.type = info->type;
  LQ_CHECK(tensor.shape.back() % info->weights == 0, kCorruptFile,
           "{}: {} has rows of {}, which are no whole blocks of {} ({} each)", who, shown,
           tensor.shape.back(), info->name, info->weights);
  tensor.bytes = numel / static_cast<std::uint64_t>(info->weights) * static_cast<std::uint64_t>(info->bytes);
  tensor.offset = in.u64(name);
  return tensor;
}

std::uint64_t read_alignment(const GgufValue& value, std::string_view who) {
  LQ_CHECK(value.type == GgufType::kU32, kCorruptFile, "{}: general.alignment is a {}, but must be a u32",
           who, gguf_type_name(value.type));
  std::uint32_t alignment = 0;
  std::memcpy(&alignment, value.data, sizeof(alignment));
  LQ_CHECK(std::has_single_bit(alignment) && alignment <= kGgufAlignmentLimit, kCorruptFile,
           "{}: general.alignment is {}, but must be a power of two up to {}", who, alignment,
           kGgufAlignmentLimit);
  return alignment;
}

// Whether the data lie in the file, aligned and apart.
void check_places(const GgufHeader& header, std::uint64_t size, std::string_view who) {
  const std::uint64_t room = size - std::min(size, header.data_begin);
  std::vector<const GgufTensor*> sorted;
  for (const GgufTensor& t : header.tensors) {
    LQ_CHECK(t.offset % header.alignment == 0, kCorruptFile, "{}: {} lies at {}, which is no multiple of {}",
             who, printable(t.name), t.offset, header.alignment);
    LQ_CHECK(t.bytes <= room && t.offset <= room - t.bytes, kCorruptFile,
             "{}: {} has {} bytes at {} of the data, but there are {}", who, printable(t.name), t.bytes,
             t.offset, room);
    sorted.push_back(&t);
  }
  std::ranges::stable_sort(sorted, {}, [](const GgufTensor* t) { return t->offset; });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const GgufTensor& before = *sorted[i - 1];
    LQ_CHECK(before.offset + before.bytes <= sorted[i]->offset, kCorruptFile, "{}: {} and {} overlap", who,
             printable(before.name), printable(sorted[i]->name));
  }
}

std::uint32_t read_version(GgufCursor& in, std::string_view who) {
  const std::byte* const magic = in.take(4, "the magic number");
  LQ_CHECK(std::memcmp(magic, "GGUF", 4) == 0, kCorruptFile, "{}: does not begin with GGUF", who);
  const std::uint32_t version = in.u32("the version");
  // Versions are small: of another byte order they are multiples of 65536.
  LQ_CHECK(version == 0 || (version & 0xffffU) != 0, kUnsupported,
           "{}: is big endian; only little endian files are read", who);
  LQ_CHECK(version == 2 || version == 3, kUnsupported, "{}: GGUF version {} is not read (2 and 3 are)", who,
           version);
  return version;
}

}  // namespace

std::string_view gguf_type_name(GgufType type) { return kValueTypes[static_cast<std::size_t>(type)].name; }
std::size_t gguf_type_size(GgufType type) { return kValueTypes[static_cast<std::size_t>(type)].size; }

GgufHeader parse_gguf(const std::byte* file, std::uint64_t size, std::string_view who) {
  GgufCursor in(file, size, who);
  GgufHeader header;
  header.version = read_version(in, who);
  const std::uint64_t tensors = in.u64("the number of tensors");
  const std::uint64_t keys = in.u64("the number of keys");
  LQ_CHECK(keys <= in.left() / kLeastValueBytes, kCorruptFile, "{}: {} keys, but only {} bytes follow", who,
           keys, in.left());
  std::unordered_set<std::string> seen;
  for (std::uint64_t i = 0; i < keys; ++i) {
    header.values.push_back(read_value(in, who));
    const GgufValue& value = header.values.back();
    LQ_CHECK(seen.insert(value.key).second, kCorruptFile, "{}: the key {} is there twice", who,
             printable(value.key));
    if (value.key == "general.alignment") header.alignment = read_alignment(value, who);
  }
  LQ_CHECK(tensors <= in.left() / kLeastTensorBytes, kCorruptFile, "{}: {} tensors, but only {} bytes follow",
           who, tensors, in.left());
  seen.clear();
  for (std::uint64_t i = 0; i < tensors; ++i) {
    header.tensors.push_back(read_tensor(in, who));
    LQ_CHECK(seen.insert(header.tensors.back().name).second, kCorruptFile, "{}: the tensor {} is there twice",
             who, printable(header.tensors.back().name));
  }
  header.data_begin = (in.at() + header.alignment - 1) / header.alignment * header.alignment;
  check_places(header, size, who);
  return header;
}

bool is_gguf(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  return file.gcount() == 4 && std::string_view(magic.data(), 4) == "GGUF";
}

}  // namespace lq
