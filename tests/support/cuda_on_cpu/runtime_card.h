// CUDA's runtime on the processor, for tests where there is no card. What it is stricter in than a card:
// device memory can be touched by kernels and copies alone, an access past an allocation's end ends the
// program, new memory holds NaNs, and lanes that wait for one that has ended end it too. A captured
// stream's work is kept and done when its graph is launched; calls that a capture does not allow end it.
// What it cannot show: speed, and work that should have been waited for. The card is described by
// environment variables:
//   LQ_CPU_CARDS (1), LQ_CPU_CARD_CAPABILITY (90), LQ_CPU_CARD_BYTES (8 GiB),
//   LQ_CPU_CARD_DRIVER (13000), LQ_CPU_CARD_TAKEN (another process holds it),
//   LQ_CPU_CARD_FAILS_AFTER (launches until it is lost),
//   LQ_CPU_CARD_REVERSED (threads run from last to first: the same bits, unless they race).
// Here is what its files, runtime_*.cc, share: the environment, errors and the card's state.
#pragma once

#include <cstddef>
#include <mutex>

#include "include/cuda_runtime_api.h"

namespace cuda_on_cpu {

// Of the environment: the number that variable has, or the other one.
long setting(const char* name, long otherwise);

// Ends the program, and says where a kernel was.
[[noreturn]] void stop(const char* what);

// What all calls share.
struct Card {
  std::recursive_mutex mutex;  // of all that follows, and of the card's memory
  cudaError_t last_error = cudaSuccess;
  long launches = 0;
};
extern Card card;

// Keeps an error as the card's last one, and returns it.
cudaError_t failed(cudaError_t error);

std::size_t total_bytes();
// Whether there were more launches than LQ_CPU_CARD_FAILS_AFTER says.
bool lost();

}  // namespace cuda_on_cpu
