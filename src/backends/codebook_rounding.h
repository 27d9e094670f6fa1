// Rounding to codes of a codebook under two levels of scales, each block for itself: as kernels of any device
// are given it.
#pragma once

#include "backends/nf_view.h"

namespace lq::backends {

struct CodebookRounding {
  NfFormat format = {};
  const NfCodebook* book = nullptr;  // of the host; lives as long as the program
  bool search = false;  // scales of least squared error (backends/cpu/nf_search.h); else the blocks' absmax
};

}  // namespace lq::backends
