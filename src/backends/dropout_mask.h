// Which elements dropout keeps: a pure function of the mask and the element, so that every device and any
// number of threads agree.
#pragma once

#include <cstdint>

namespace lq::backends {

// Element i is dropped where 16 bits of Philox at (seed, stream, i / 8) are below `below`.
// Masks that are drawn again and again share a seed and a stream too: those of draw d are words 0 and 1 (the
// seed, high and low) and 2 (the stream) of Philox at (seed, stream, d).
struct DropoutMask {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint32_t below = 0;  // of 65536: the share that is dropped
  float grow = 1.0F;        // what the others are multiplied by
};

}  // namespace lq::backends
