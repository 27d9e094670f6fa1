// Rounding to a trellis code (backends/trellis_view.h), as kernels of any device are given it.
#pragma once

namespace lq::backends {

struct TrellisRounding {
  int bits = 0;           // of storage an element: 2, 3, 4
  int state_bits = 0;     // 10 to 16
  int block = 0;          // columns of a row that share a scale: 32, 64, 128, 256
  bool search = false;    // scales are fitted before, to paths of kMinStateBits, and again after; else after
  bool feedback = false;  // tiles one after another, where the importance has a factor of the columns
};

}  // namespace lq::backends
