// Work that is queued again and again with the same sizes: a token, a step of training. The first time it is
// queued kernel by kernel, the second time captured as a graph, from then on the graph is launched and the
// host's part of the work is left out. Builds without CUDA have the same symbols (backends/no_cuda).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/function_ref.h"
#include "tensor/device.h"

namespace lq::backends::cuda {

struct RepeatedWork {
  struct Input {
    const void* data;
    std::size_t size;
  };
  struct Output {
    void* data;
    std::size_t size;
  };
  // All that the work's launches depend on but the contents of memory: which work it is, sizes, settings, the
  // addresses of what it reads and writes. Sizes of the following are added to it.
  std::vector<std::uint64_t> key;
  // The host's memory that the work uploads, of which the contents differ from time to time.
  std::vector<Input> inputs;
  // The host's memory that the work brings results to. They are there when repeat() returns, not earlier.
  std::vector<Output> outputs;
};

// Queues the work. prepare() makes what the work reads besides and the key determines (null: nothing), when
// it is first needed; it is kept as long as the graph is. What a capture does not allow (waiting, asking for
// memory, uploads that are no inputs) ends the capture: the work is queued kernel by kernel then, now and
// from now on. So it must bear to be called twice. Memory of the device that is given back, whoever had it,
// ends all graphs. Work within work is a part of the outer one. Throws what work and prepare throw.
void repeat(DeviceQueue& queue, const RepeatedWork& what, FunctionRef<std::shared_ptr<const void>()> prepare,
            FunctionRef<void(const void*)> work);

// Graphs that a queue keeps at most: one more takes the place of the one that was not used for the longest
// time. A step whose gradients lie in five buffers by turns (16 batches a step) has 15.
inline constexpr std::size_t kMostGraphs = 16;

// How often the queue's work went which way.
struct RepeatCounts {
  std::int64_t plain = 0;     // kernel by kernel
  std::int64_t captured = 0;  // and launched as a graph then
  std::int64_t replayed = 0;
  std::int64_t abandoned = 0;  // captures; counted in `plain` too
};
RepeatCounts repeat_counts(const DeviceQueue& queue);

}  // namespace lq::backends::cuda
