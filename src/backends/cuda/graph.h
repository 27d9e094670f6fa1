// The captured graphs of a queue, and the places where their inputs and outputs lie. Internal to
// backends/cuda.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "backends/cuda/memory.h"
#include "backends/cuda/repeat.h"

namespace lq::backends::cuda {

class Graphs {
 public:
  // on: false: all work is queued kernel by kernel, by the same code.
  Graphs(DeviceQueue& queue, bool on) : queue_(queue), on_(on) {}
  ~Graphs();  // REQUIRES: nothing is queued that uses them
  Graphs(const Graphs&) = delete;
  Graphs& operator=(const Graphs&) = delete;

  void run(const RepeatedWork& what, FunctionRef<std::shared_ptr<const void>()> prepare,
           FunctionRef<void(const void*)> work);
  RepeatCounts counts() const { return counts_; }

  // For the ops that the work consists of.
  // Where an input, or a part of one, lies on the device; null where it is none of the work at hand.
  const void* staged(const void* host, std::size_t bytes) const;
  // Where a part of an output goes on the device; null likewise.
  void* output(const void* host, std::size_t bytes) const;
  bool capturing() const { return capturing_; }
  // While capturing: a copy of what the key determines, on the device for as long as the graph.
  const void* constant(const void* host, std::size_t bytes);
  void count_constant(std::size_t bytes);

 private:
  struct Piece {
    std::vector<std::uint64_t> key;
    std::shared_ptr<const void> kept;
    bool prepared = false, refused = false;
    std::uint64_t epoch = 0;  // release_count() after it ran last
    std::int64_t used = 0;
    cudaGraphExec_t graph = nullptr;
    std::byte* constants = nullptr;  // on the device; not of allocate(), for their end is no graph's business
    std::size_t constant_bytes = 0;
  };

  void place(const RepeatedWork& what);
  void bring(const RepeatedWork& what);
  std::unique_ptr<Piece>& piece_of(const RepeatedWork& what);
  void run_piece(Piece& piece, FunctionRef<std::shared_ptr<const void>()> prepare,
                 FunctionRef<void(const void*)> work);
  bool capture(Piece& piece, FunctionRef<void(const void*)> work);
  void launch(Piece& piece);
  static void drop(Piece& piece);

  DeviceQueue& queue_;
  bool on_;
  RepeatCounts counts_;
  std::vector<std::unique_ptr<Piece>> pieces_;
  std::int64_t clock_ = 0;

  // Inputs, then outputs of the work at hand, each at a place of its own.
  DeviceBytes slots_;
  const RepeatedWork* now_ = nullptr;
  std::vector<std::size_t> offsets_;
  std::size_t inputs_end_ = 0;

  bool capturing_ = false;
  Piece* at_hand_ = nullptr;          // whose constants are counted, or made
  std::vector<std::byte> constants_;  // as they go to the device when the capture is done
  std::vector<std::byte> packed_;     // inputs on their way, outputs on theirs
};

// Throws Error(kUnsupported) while this thread captures: what the text names cannot be a part of a graph.
void refuse_in_capture(const char* what);
// Whether this thread captures, so that the memory is given back after the capture.
bool release_after_capture(std::byte* bytes);

}  // namespace lq::backends::cuda
