// A graph of tensors and operations as cuDNN takes it, and the plan that cuDNN makes of it. Knows cuDNN's
// numbers and no attention. Internal to backends/cuda.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "backends/cuda/cudnn.h"

namespace lq::backends::cuda {

// Numbers as cuDNN 9 has them.
enum class CudnnType : int { kF32 = 0, kI32 = 4, kBf16 = 9, kBool = 11 };
enum class CudnnPointwise : int {
  kAdd = 0,
  kMul = 1,
  kDiv = 6,
  kSub = 9,
  kExp = 13,
  kLog = 15,
  kTanh = 101,
  kTanhBackward = 201,
  kGreater = 302,
  kGreaterEqual = 303,
  kLess = 304,
  kAnd = 400,
  kIndex = 501,
  kSelect = 601
};
enum class CudnnReduce : int { kAdd = 0, kMax = 3 };

// A descriptor with its end. Calls that cuDNN refuses throw Error(kUnsupported) with `what` and the status.
class CudnnDescriptor {
 public:
  CudnnDescriptor(const CudnnCalls& calls, int type, const char* what);
  ~CudnnDescriptor();
  CudnnDescriptor(CudnnDescriptor&& other) noexcept;
  CudnnDescriptor(const CudnnDescriptor&) = delete;
  CudnnDescriptor& operator=(const CudnnDescriptor&) = delete;

  void set(int name, int type, std::int64_t count, const void* values);
  void set_descriptor(int name, const CudnnDescriptor& other);
  void finalize();
  void* raw() const { return raw_; }

 private:
  const CudnnCalls* calls_;
  const char* what_;
  void* raw_ = nullptr;
};

using CudnnDims = std::array<std::int64_t, 4>;

struct CudnnTensor {
  int number = -1;  // its place in the graph; none: -1
  CudnnDims dims = {}, strides = {};
};

// Where a tensor lies, or the host's number of a constant.
struct CudnnPlace {
  std::int64_t id;
  const void* data;
};

// What can be run again and again.
class CudnnPlan {
 public:
  std::int64_t workspace = 0;  // bytes

  // Queued on the handle's stream. places: every tensor of the graph that memory() made.
  void run(const CudnnCalls& calls, void* handle, std::span<const CudnnPlace> places,
           void* workspace_bytes) const;

 private:
  friend class CudnnGraph;
  std::vector<CudnnDescriptor> parts_;  // the plan is the last one
  std::list<std::array<std::byte, 4>> constants_;
  std::vector<CudnnPlace> constant_places_;
};

class CudnnGraph {
 public:
  explicit CudnnGraph(const CudnnCalls& calls) : calls_(calls) {}

  // Memory of the device. id: unique, from 1 to 99. offsets: [batch + 1, 1, 1, 1] i32, where each sequence
  // begins, in elements.
  CudnnTensor memory(std::int64_t id, CudnnType type, const CudnnDims& dims, const CudnnDims& strides,
                     const CudnnTensor& offsets = {});
  // What an operation makes and another reads.
  CudnnTensor between(CudnnType type, const CudnnDims& dims);
  CudnnTensor between(CudnnType type, const CudnnDims& dims, const CudnnDims& strides,
                      const CudnnTensor& offsets = {});
  CudnnTensor constant(float value);
  CudnnTensor constant(std::int32_t value);

  // y = mode(x, b); kSelect: t ? x : b; kIndex: places along `axis` of x. compute: the arithmetic's type.
  struct Pointwise {
    CudnnPointwise mode = CudnnPointwise::kAdd;
    CudnnType compute = CudnnType::kF32;
    std::int64_t axis = -1;
  };
  void pointwise(const Pointwise& how, const CudnnTensor& x, const CudnnTensor& b, const CudnnTensor& t,
                 const CudnnTensor& y);
  // The same into a new tensor of x's shape. type: of what comes out.
  CudnnTensor pointwise(const Pointwise& how, CudnnType type, const CudnnTensor& x, const CudnnTensor& b = {},
                        const CudnnTensor& t = {});
  // y = the sum or largest over the dimensions that y has less of.
  void reduce(CudnnReduce mode, const CudnnTensor& x, const CudnnTensor& y);
  // c = a b with f32 sums. rows, cols, depth: [batch, 1, 1, 1] i32, how many there are of a sequence's.
  struct Lengths {
    CudnnTensor rows, cols, depth;
    bool zeros = false;  // what lies beyond counts as 0
  };
  void multiply(const CudnnTensor& a, const CudnnTensor& b, const Lengths& lengths, const CudnnTensor& c);
  // y: x's numbers by other dimensions and strides.
  void reshape(const CudnnTensor& x, const CudnnTensor& y);

  // What cuDNN's heuristics name first and it can build. The same bits in every run: engines that do not
  // give them are passed over. Throws Error(kUnsupported) where there is none.
  std::unique_ptr<CudnnPlan> build(void* handle);

 private:
  CudnnTensor add_tensor(std::int64_t id, CudnnType type, const CudnnDims& dims, const CudnnDims& strides,
                         const CudnnTensor& offsets, bool is_virtual, bool by_value);
  CudnnTensor add_constant(CudnnType type, const void* value);
  CudnnDescriptor& part(int type, const char* what);
  const CudnnDescriptor& of(const CudnnTensor& t) const {
    return *tensors_[static_cast<std::size_t>(t.number)];
  }
  void add_operation(CudnnDescriptor& operation);

  const CudnnCalls& calls_;
  std::list<CudnnDescriptor> parts_;
  std::vector<const CudnnDescriptor*> tensors_;
  std::vector<void*> operations_;
  std::int64_t next_id_ = 100;
  std::list<std::array<std::byte, 4>> constants_;
  std::vector<CudnnPlace> constant_places_;
};

}  // namespace lq::backends::cuda
