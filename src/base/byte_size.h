// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string_view>

namespace lq {

// "6GiB", "500 MB", "4096", "1.5g": a number and a unit. KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB,
// TiB and the bare letters k, m, g, t are powers of 1024; case does not matter. Throws
// Error(kInvalidArgument) of `option` for anything else, for less than one byte and for more than 2^60
// bytes.
std::int64_t parse_byte_size(std::string_view text, std::string_view option);

}  // namespace lq
