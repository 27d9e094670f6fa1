// Scratch memory that is used again and again: a stack of f32 buffers. Allocating megabytes afresh for every
// layer would spend its time in page faults.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace lq {

// Not thread-safe: one per thread that computes (jobs inside an op use the stack or their own vectors).
class Workspace {
 public:
  // Makes a tensor of that type and shape on `device`, not initialized.
  using MakeTensor = Tensor (*)(Device device, DType dtype, Shape shape);

  Workspace() = default;  // on the processor
  // make: ops/device_memory.h's empty_tensor.
  Workspace(Device device, MakeTensor make) : device_(device), make_(make) {}
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  Device device() const { return device_; }
  // Bytes held, used or not.
  std::int64_t bytes() const;
  // Gives everything back. REQUIRES: no Scratch lives.
  void clear();

 private:
  friend class Scratch;
  float* take(std::int64_t count);
  Tensor chunk(std::int64_t count) const;

  Device device_;
  MakeTensor make_ = nullptr;
  std::vector<Tensor> chunks_;
  std::size_t chunk_ = 0;  // in use: all chunks before it,
  std::int64_t used_ = 0;  // and this many floats of it
};

// What is taken through it returns to the workspace when it goes out of scope. Contents are undefined at
// first.
class Scratch {
 public:
  explicit Scratch(Workspace& workspace)
      : workspace_(workspace), chunk_(workspace.chunk_), used_(workspace.used_) {}
  ~Scratch() {
    workspace_.chunk_ = chunk_;
    workspace_.used_ = used_;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Matrix matrix(std::int64_t rows, std::int64_t cols) {
    return {workspace_.take(rows * cols), rows, cols, workspace_.device_};
  }
  Vector vector(std::int64_t count) {
    return {workspace_.take(count), static_cast<std::size_t>(count), workspace_.device_};
  }

 private:
  Workspace& workspace_;
  std::size_t chunk_;
  std::int64_t used_;
};

}  // namespace lq
