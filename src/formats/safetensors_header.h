// The header of a safetensors file: 8 bytes little-endian length N, then N bytes of JSON,
//   {"__metadata__": {string: string}, NAME: {"dtype": .., "shape": [..], "data_offsets": [begin, end]}, ...}
// with offsets into the data that follows. Reads strictly: what is accepted here can be mapped without any
// further check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor_view.h"

namespace lq {

using Metadata = std::map<std::string, std::string>;

// The format's own limit, in bytes of JSON.
constexpr std::uint64_t kSafetensorsHeaderLimit = 100'000'000;
// More dimensions than any real tensor has; keeps hostile headers small in memory.
constexpr std::size_t kSafetensorsRankLimit = 32;

struct SafetensorsHeader {
  struct Entry {
    TensorSpec spec;
    std::uint64_t begin = 0;  // offsets into the data section
    std::uint64_t end = 0;
  };
  Metadata metadata;
  std::vector<Entry> entries;    // by offset; empty tensors keep the file's order
  std::uint64_t data_begin = 0;  // where the data section starts in the file
};

// The length in the first 8 bytes. Throws Error(kCorruptFile) when the file of `file_size` bytes cannot hold
// it or it exceeds the limit. `who` starts every message ("[safetensors] model.safetensors").
std::uint64_t safetensors_header_length(const std::byte* first8, std::uint64_t file_size,
                                        std::string_view who);

// Parses and checks the JSON of a file of `file_size` bytes. Throws Error(kCorruptFile) for text that is not
// such JSON, duplicate names, negative extents, more than 2^62 bytes, a byte count that is not the shape's,
// offsets that overlap, leave a hole or end elsewhere than the file does; Error(kUnsupported) for a dtype
// that tensor/dtype.h does not know.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t file_size,
                                           std::string_view who);

// The first bytes of a file with these tensors: length, JSON, and spaces up to a multiple of 8 bytes. Offsets
// follow alignment (8-byte types first, bytes last; the given order among equals), so that each tensor is
// aligned to its own type; `layout` receives the entries in that order.
// Throws Error(kInvalidArgument) for a duplicate or empty name, or "__metadata__" as a name.
std::string make_safetensors_header(const std::vector<TensorSpec>& specs, const Metadata& metadata,
                                    SafetensorsHeader& layout);

}  // namespace lq
