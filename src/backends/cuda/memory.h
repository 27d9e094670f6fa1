// Memory that a queue keeps for its own use. Internal to backends/cuda.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace lq {
struct DeviceQueue;
}

namespace lq::backends::cuda {

// What a queue's own buffers serve; each grows to the largest that was asked of it.
enum class Buffer : std::uint8_t {
  kLeft,           // a product's left side in bf16
  kRight,          // its right side, where that is no decoded weight
  kWeight,         // a weight that the ring of decoded weights has no room for
  kLowRank,        // x by the low-rank parts' A, in bf16
  kRows,           // few rows of x, as tiles of codes want them
  kScores,         // of attention's blocks
  kScoreGrads,     // their gradients
  kProbabilities,  // of the same blocks, as the next product takes them
  kProbabilityGrads,
  kQueries,  // attention's operands in bf16
  kKeys,
  kValues,
  kOutGrads,
  kDelta,       // a number a row and head
  kPartial,     // sums of blocks
  kBlocks,      // scales of blocks of weights on their way
  kPaths,       // pointers of paths of trellis codes
  kOutRounded,  // attention's results in bf16, as cuDNN has them
  kQueryGrads,
  kKeyGrads,
  kValueGrads,
  kStats,  // log-sums as cuDNN has them
  kCudnn,  // its workspace
  kCount
};

// At least `bytes` bytes; valid until more is asked of the same buffer. Contents are undefined.
void* buffer(DeviceQueue& queue, Buffer which, std::size_t bytes);

// A copy of `bytes` bytes of the host on the device, for work that is queued before kUploads more bytes are
// uploaded: one op. The host's may change at once.
inline constexpr std::size_t kUploads = std::size_t{4} << 20;
const void* upload(DeviceQueue& queue, const void* host, std::size_t bytes);

// The same for bytes that the key of repeated work (repeat.h) determines: a graph keeps a copy of its own.
const void* upload_constant(DeviceQueue& queue, const void* host, std::size_t bytes);
// The same to a place of the caller's on the device.
void upload_to(DeviceQueue& queue, const void* host, std::size_t bytes, void* device);
// Where repeated work's input lies, if the host's bytes are a part of one; else null. upload() looks there
// too.
const void* staged(const DeviceQueue& queue, const void* host, std::size_t bytes);
// Results to the host: at the end of repeated work where they are its output, else when this returns.
void deliver(DeviceQueue& queue, const void* device, std::size_t bytes, void* host);

template <typename T>
T* buffer_of(DeviceQueue& queue, Buffer which, std::int64_t count) {
  return static_cast<T*>(buffer(queue, which, static_cast<std::size_t>(count) * sizeof(T)));
}
template <typename T>
const T* upload_all(DeviceQueue& queue, const T* host, std::int64_t count) {
  return static_cast<const T*>(upload(queue, host, static_cast<std::size_t>(count) * sizeof(T)));
}
template <typename T>
const T* upload_constants(DeviceQueue& queue, const T* host, std::int64_t count) {
  return static_cast<const T*>(upload_constant(queue, host, static_cast<std::size_t>(count) * sizeof(T)));
}

// Memory of a device and of the host that goes with its owner.
struct DeviceBytes {
  std::byte* data = nullptr;
  std::size_t size = 0;
  void clear();
};
struct PinnedBytes {
  std::byte* data = nullptr;
  std::size_t size = 0;
  void clear();
};

// The ring that upload() writes to, on both sides.
struct Uploads {
  DeviceBytes device;
  PinnedBytes host;
  std::size_t used = 0;
};

}  // namespace lq::backends::cuda
