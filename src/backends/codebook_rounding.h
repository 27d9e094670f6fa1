// Rounding to codes of a codebook under two levels of scales, as kernels of any device are given it.
#pragma once

#include "backends/nf_view.h"

namespace lq::backends {

struct CodebookRounding {
  NfFormat format = {};
  const NfCodebook* book = nullptr;  // of the host; lives as long as the program
  bool search = false;  // scales of least squared error (backends/cpu/nf_search.h); else the blocks' absmax
  // Codes take on the errors of those before them (quant/codebook/feedback.h), where the importance has a
  // factor of the columns; else each block is rounded for itself.
  bool feedback = false;
  bool rescales = false;  // with feedback: scales once more, for what the first codes were rounded from
};

}  // namespace lq::backends
