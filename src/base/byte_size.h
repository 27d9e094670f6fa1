// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lq {

// "6GiB", "500 MB", "4096", "1.5g": a number and a unit. KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB,
// TiB and the bare letters k, m, g, t are powers of 1024; case does not matter. Throws
// Error(kInvalidArgument) of `option` for anything else, for less than one byte and for more than 2^60
// bytes.
std::int64_t parse_byte_size(std::string_view text, std::string_view option);

// A short text that parse_byte_size reads as exactly these bytes: "5GB", "6GiB", "4097". REQUIRES:
// bytes > 0.
std::string byte_size_text(std::int64_t bytes);

}  // namespace lq
