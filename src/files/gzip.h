// Whole texts to gzip (RFC 1952) and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lq {

// The same input gives the same bytes: no name, no time in the header.
std::string gzip(std::string_view text);

// Several members in a row count as one text. Throws Error(kCorruptFile) starting with `who` for damage, a
// cut end, or more than `limit` bytes inside.
std::string gunzip(std::string_view bytes, std::uint64_t limit, std::string_view who);

}  // namespace lq
