// Why a device cannot be used, from what the runtime was asked about it. Plain C++: tests describe machines
// that are not there.
#pragma once

#include <string>

#include "base/error.h"

namespace lq::backends::cuda {

// The oldest cards that the kernels run on: 10 * major + minor of their compute capability.
inline constexpr int kOldestCapability = 75;

struct DeviceFacts {
  enum class Count { kKnown, kOldDriver, kFailed };
  enum class Taken { kYes, kHeldByAnother, kNoMemory, kOtherKernels, kFailed };

  int driver = 0;   // the newest CUDA that it serves: 13000 is 13.0; 0: none is loaded
  int runtime = 0;  // what this program was built with
  Count counted = Count::kKnown;
  int count = 0;       // of cards
  int index = 0;       // of the one asked for
  bool known = false;  // whether the driver tells its name and capability
  std::string name;
  int capability = 0;  // 10 * major + minor
  Taken taken = Taken::kYes;
  std::string words;  // the driver's own, where something failed
};

inline std::string cuda_version_text(int number) {
  return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
}

// One line that says what would help; empty where the device works.
inline std::string trouble_text(const DeviceFacts& f) {
  if (f.driver == 0) return "no NVIDIA driver is loaded (nvidia-smi should list the card)";
  if (f.counted == DeviceFacts::Count::kOldDriver || f.driver / 1000 < f.runtime / 1000) {
    return fmt::format("the driver is for CUDA {}, but this program needs {}: a newer driver helps",
                       cuda_version_text(f.driver), cuda_version_text(f.runtime));
  }
  if (f.counted == DeviceFacts::Count::kFailed) return fmt::format("the driver says: {}", f.words);
  if (f.count == 0) return "the driver finds no card (CUDA_VISIBLE_DEVICES may hide it)";
  if (f.index >= f.count) {
    return f.count == 1 ? std::string("there is one card, numbered 0")
                        : fmt::format("there are {} cards, numbered from 0", f.count);
  }
  if (!f.known) return "the driver tells nothing of this card";
  if (f.capability < kOldestCapability) {
    return fmt::format("{} has compute capability {}.{}, but {}.{} is the oldest that works", f.name,
                       f.capability / 10, f.capability % 10, kOldestCapability / 10, kOldestCapability % 10);
  }
  switch (f.taken) {
    case DeviceFacts::Taken::kHeldByAnother:
      return "another process holds this card for itself (nvidia-smi names it)";
    case DeviceFacts::Taken::kNoMemory:
      return "its memory is full: the end of other programs on the card helps (nvidia-smi names them)";
    case DeviceFacts::Taken::kOtherKernels:
      return fmt::format(
          "this program has no kernels for {} (compute capability {}.{}): build it with "
          "-DCMAKE_CUDA_ARCHITECTURES={}",
          f.name, f.capability / 10, f.capability % 10, f.capability);
    case DeviceFacts::Taken::kFailed:
      return fmt::format("the driver says: {}", f.words);
    case DeviceFacts::Taken::kYes:
      break;
  }
  return {};
}

}  // namespace lq::backends::cuda
