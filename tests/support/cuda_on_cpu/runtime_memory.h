// The emulated card's memory, and when the processor may touch it.
#pragma once

#include <mutex>

#include "runtime_card.h"

namespace cuda_on_cpu {

// Device memory may be touched while one of these lives.
struct Opened {
  std::lock_guard<std::recursive_mutex> lock{card.mutex};
  Opened();
  ~Opened();
};

}  // namespace cuda_on_cpu
