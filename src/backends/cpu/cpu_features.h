// Which instruction sets the SIMD loops are built for, and which this machine runs.
#pragma once

#include <string>

namespace lq::backends {

// Names of the targets that are compiled in and that this machine supports, best first: "AVX2 SSE4 SSSE3".
std::string simd_targets();
// The one that is used.
std::string simd_best();

}  // namespace lq::backends
