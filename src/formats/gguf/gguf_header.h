// The header of a GGUF file, versions 2 and 3, little endian:
//   "GGUF", u32 version, u64 tensors, u64 keys,
//   keys times    {string key, u32 type, value},
//   tensors times {string name, u32 dimensions, u64 extent for each (the fastest first), u32 type,
//                  u64 offset},
// then, from the next multiple of the alignment (key general.alignment, else 32), the data of the tensors
// at their offsets. A string is u64 bytes and the bytes; an array is u32 type, u64 count and the elements.
// Reads strictly: what is accepted here can be mapped and read without any further check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "quant/ggml/ggml_type.h"
#include "tensor/shape.h"

namespace lq {

// Types of metadata; the values are the format's own.
enum class GgufType : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
std::string_view gguf_type_name(GgufType type);  // "u32", "string"
// Bytes of one value; 0 for strings and arrays.
std::size_t gguf_type_size(GgufType type);

// A value as it lies in the file, checked to lie in it.
struct GgufValue {
  std::string key;
  GgufType type = GgufType::kU8;    // kArray: of `count` elements of type `of`
  GgufType of = GgufType::kU8;      // kArray only
  std::uint64_t count = 1;          // kArray only
  const std::byte* data = nullptr;  // the value, or the first element
};

struct GgufTensor {
  std::string name;
  ggml::GgmlType type = ggml::GgmlType::kF32;
  Shape shape;               // rows first, as elsewhere: the file's extents in reverse order
  std::uint64_t offset = 0;  // in the data section
  std::uint64_t bytes = 0;
};

struct GgufHeader {
  std::uint32_t version = 0;
  std::uint64_t alignment = 32;  // bytes
  std::vector<GgufValue> values;
  std::vector<GgufTensor> tensors;
  std::uint64_t data_begin = 0;  // where the data section starts in the file
};

constexpr std::size_t kGgufNameLimit = 65535;  // bytes of a key or of a tensor's name
constexpr std::uint32_t kGgufRankLimit = 4;    // dimensions, ggml's own limit
constexpr std::uint64_t kGgufAlignmentLimit = 1 << 20;

// Reads the header of a file whose `size` bytes begin at `file`; values borrow from it. `who` starts every
// message ("[gguf] model.gguf"). Throws Error(kUnsupported) for another version, big endian, or a type that
// is not read; Error(kCorruptFile) naming the field for whatever cannot be: counts and lengths beyond the
// file, an unknown metadata type, a key or tensor that is there twice, extents below 1, rows that are not
// whole blocks, an alignment that is no power of two, data that is not aligned, overlaps or ends behind the
// file.
GgufHeader parse_gguf(const std::byte* file, std::uint64_t size, std::string_view who);

// True where the file begins with "GGUF". False for what cannot be read.
bool is_gguf(const std::filesystem::path& path);

}  // namespace lq
