#include "backends/cuda/cudnn_graph.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace lq::backends::cuda {
namespace {

// Kinds of descriptors.
constexpr int kPointwiseKind = 0;
constexpr int kEngineKind = 2;
constexpr int kEngineConfigKind = 3;
constexpr int kHeuristicsKind = 4;
constexpr int kPlanKind = 5;
constexpr int kPointwiseOperation = 13;
constexpr int kGraphKind = 15;
constexpr int kVariantPackKind = 16;
constexpr int kTensorKind = 17;
constexpr int kMatmulKind = 18;
constexpr int kMatmulOperation = 19;
constexpr int kReductionKind = 21;
constexpr int kReductionOperation = 22;
constexpr int kReshapeOperation = 31;

// Types of attributes.
constexpr int kHandleValue = 0;
constexpr int kDataTypeValue = 1;
constexpr int kBoolValue = 2;
constexpr int kInt64Value = 3;
constexpr int kDoubleValue = 5;
constexpr int kPointerValue = 6;
constexpr int kHeuristicsValue = 8;
constexpr int kNumericalNoteValue = 11;
constexpr int kPointwiseValue = 14;
constexpr int kDescriptorValue = 15;
constexpr int kReductionValue = 18;

// Names of attributes.
constexpr int kPointwiseMode = 0;
constexpr int kPointwiseCompute = 1;
constexpr int kPointwiseAxis = 9;
constexpr int kHeuristicsMode = 200;
constexpr int kHeuristicsGraph = 201;
constexpr int kHeuristicsResults = 202;
constexpr int kConfigEngine = 300;
constexpr int kPlanHandle = 400;
constexpr int kPlanConfig = 401;
constexpr int kPlanWorkspace = 402;
constexpr int kPointwiseDescriptor = 750;
constexpr int kPointwiseX = 751;
constexpr int kPointwiseB = 752;
constexpr int kPointwiseY = 753;
constexpr int kPointwiseDx = 756;
constexpr int kPointwiseDy = 757;
constexpr int kPointwiseT = 758;
constexpr int kGraphHandle = 800;
constexpr int kGraphOperations = 801;
constexpr int kTensorAlignment = 900;
constexpr int kTensorType = 901;
constexpr int kTensorDims = 902;
constexpr int kTensorStrides = 903;
constexpr int kTensorId = 906;
constexpr int kTensorVirtual = 907;
constexpr int kTensorByValue = 908;
constexpr int kTensorOffsets = 913;
constexpr int kPackIds = 1000;
constexpr int kPackPointers = 1001;
constexpr int kPackWorkspace = 1003;
constexpr int kEngineNotes = 1303;
constexpr int kMatmulCompute = 1500;
constexpr int kMatmulPadding = 1503;
constexpr int kMatmulA = 1520;
constexpr int kMatmulB = 1521;
constexpr int kMatmulC = 1522;
constexpr int kMatmulDescriptor = 1523;
constexpr int kMatmulRows = 1525;
constexpr int kMatmulCols = 1526;
constexpr int kMatmulDepth = 1527;
constexpr int kReductionMode = 1600;
constexpr int kReductionCompute = 1601;
constexpr int kReductionX = 1610;
constexpr int kReductionY = 1611;
constexpr int kReductionDescriptor = 1612;
constexpr int kReshapeX = 2200;
constexpr int kReshapeY = 2201;

constexpr int kBestHeuristics = 3;  // mode A
constexpr int kOtherBitsNote = 4;   // not deterministic
constexpr std::int64_t kMostConfigs = 16;
constexpr std::int64_t kMostNotes = 32;
constexpr std::int64_t kTensorBytes = 16;  // tensors begin on multiples of

void check_cudnn(int status, const char* what) {
  LQ_CHECK(status == 0, kUnsupported, "[cuda] cuDNN refuses {}: status {}", what, status);
}

// What heuristics name, best first; finalized.
std::vector<CudnnDescriptor> configs_of(const CudnnCalls& calls, const CudnnDescriptor& graph) {
  CudnnDescriptor heuristics(calls, kHeuristicsKind, "heuristics");
  heuristics.set_descriptor(kHeuristicsGraph, graph);
  heuristics.set(kHeuristicsMode, kHeuristicsValue, 1, &kBestHeuristics);
  heuristics.finalize();
  std::int64_t count = 0;
  check_cudnn(calls.get_attribute(heuristics.raw(), kHeuristicsResults, kDescriptorValue, 0, &count, nullptr),
              "the number of engines");
  count = std::min(count, kMostConfigs);
  std::vector<CudnnDescriptor> configs;
  std::vector<void*> raw;
  for (std::int64_t i = 0; i < count; ++i)
    raw.push_back(configs.emplace_back(calls, kEngineConfigKind, "an engine").raw());
  if (count == 0) return configs;
  check_cudnn(
      calls.get_attribute(heuristics.raw(), kHeuristicsResults, kDescriptorValue, count, &count, raw.data()),
      "the engines");
  while (std::ssize(configs) > std::max<std::int64_t>(count, 0)) configs.pop_back();
  return configs;
}

bool same_bits(const CudnnCalls& calls, const CudnnDescriptor& config) {
  const CudnnDescriptor engine(calls, kEngineKind, "an engine");
  void* raw = engine.raw();
  std::int64_t count = 0;
  check_cudnn(calls.get_attribute(config.raw(), kConfigEngine, kDescriptorValue, 1, &count, &raw),
              "the engine of a configuration");
  int notes[kMostNotes] = {};
  check_cudnn(calls.get_attribute(engine.raw(), kEngineNotes, kNumericalNoteValue, kMostNotes, &count, notes),
              "an engine's notes");
  const std::int64_t known = std::clamp<std::int64_t>(count, 0, kMostNotes);
  return std::find(notes, notes + known, kOtherBitsNote) == notes + known;
}

CudnnDims packed_strides(const CudnnDims& dims) {
  return {dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1};
}

}  // namespace

CudnnDescriptor::CudnnDescriptor(const CudnnCalls& calls, int type, const char* what)
    : calls_(&calls), what_(what) {
  check_cudnn(calls.create_descriptor(type, &raw_), what);
}
CudnnDescriptor::~CudnnDescriptor() {
  if (raw_ != nullptr) (void)calls_->destroy_descriptor(raw_);
}
CudnnDescriptor::CudnnDescriptor(CudnnDescriptor&& other) noexcept
    : calls_(other.calls_), what_(other.what_), raw_(std::exchange(other.raw_, nullptr)) {}

void CudnnDescriptor::set(int name, int type, std::int64_t count, const void* values) {
  check_cudnn(calls_->set_attribute(raw_, name, type, count, values), what_);
}
void CudnnDescriptor::set_descriptor(int name, const CudnnDescriptor& other) {
  set(name, kDescriptorValue, 1, &other.raw_);
}
void CudnnDescriptor::finalize() { check_cudnn(calls_->finalize(raw_), what_); }

// ---- tensors ----

CudnnDescriptor& CudnnGraph::part(int type, const char* what) {
  return parts_.emplace_back(calls_, type, what);
}

CudnnTensor CudnnGraph::add_tensor(std::int64_t id, CudnnType type, const CudnnDims& dims,
                                   const CudnnDims& strides, const CudnnTensor& offsets, bool is_virtual,
                                   bool by_value) {
  CudnnDescriptor& t = part(kTensorKind, "a tensor");
  const int number = static_cast<int>(type);
  t.set(kTensorType, kDataTypeValue, 1, &number);
  t.set(kTensorDims, kInt64Value, 4, dims.data());
  t.set(kTensorStrides, kInt64Value, 4, strides.data());
  t.set(kTensorId, kInt64Value, 1, &id);
  t.set(kTensorAlignment, kInt64Value, 1, &kTensorBytes);
  if (is_virtual) t.set(kTensorVirtual, kBoolValue, 1, &is_virtual);
  if (by_value) t.set(kTensorByValue, kBoolValue, 1, &by_value);
  if (offsets.number >= 0) t.set_descriptor(kTensorOffsets, of(offsets));
  t.finalize();
  tensors_.push_back(&t);
  return {static_cast<int>(tensors_.size()) - 1, dims, strides};
}

CudnnTensor CudnnGraph::memory(std::int64_t id, CudnnType type, const CudnnDims& dims,
                               const CudnnDims& strides, const CudnnTensor& offsets) {
  return add_tensor(id, type, dims, strides, offsets, false, false);
}
CudnnTensor CudnnGraph::between(CudnnType type, const CudnnDims& dims) {
  return between(type, dims, packed_strides(dims));
}
CudnnTensor CudnnGraph::between(CudnnType type, const CudnnDims& dims, const CudnnDims& strides,
                                const CudnnTensor& offsets) {
  return add_tensor(next_id_++, type, dims, strides, offsets, true, false);
}
CudnnTensor CudnnGraph::add_constant(CudnnType type, const void* value) {
  auto& bytes = constants_.emplace_back();
  std::memcpy(bytes.data(), value, bytes.size());
  constant_places_.push_back({next_id_, bytes.data()});
  return add_tensor(next_id_++, type, {1, 1, 1, 1}, {1, 1, 1, 1}, {}, false, true);
}
CudnnTensor CudnnGraph::constant(float value) { return add_constant(CudnnType::kF32, &value); }
CudnnTensor CudnnGraph::constant(std::int32_t value) { return add_constant(CudnnType::kI32, &value); }

// ---- operations ----

void CudnnGraph::add_operation(CudnnDescriptor& operation) {
  operation.finalize();
  operations_.push_back(operation.raw());
}

void CudnnGraph::pointwise(const Pointwise& how, const CudnnTensor& x, const CudnnTensor& b,
                           const CudnnTensor& t, const CudnnTensor& y) {
  CudnnDescriptor& p = part(kPointwiseKind, "an operation on elements");
  const int mode = static_cast<int>(how.mode);
  const int compute = static_cast<int>(how.compute);
  p.set(kPointwiseMode, kPointwiseValue, 1, &mode);
  p.set(kPointwiseCompute, kDataTypeValue, 1, &compute);
  if (how.axis >= 0) p.set(kPointwiseAxis, kInt64Value, 1, &how.axis);
  p.finalize();
  CudnnDescriptor& o = part(kPointwiseOperation, "an operation on elements");
  o.set_descriptor(kPointwiseDescriptor, p);
  if (how.mode == CudnnPointwise::kTanhBackward) {
    o.set_descriptor(kPointwiseX, of(b));
    o.set_descriptor(kPointwiseDy, of(x));
    o.set_descriptor(kPointwiseDx, of(y));
  } else {
    o.set_descriptor(kPointwiseX, of(x));
    if (b.number >= 0) o.set_descriptor(kPointwiseB, of(b));
    if (t.number >= 0) o.set_descriptor(kPointwiseT, of(t));
    o.set_descriptor(kPointwiseY, of(y));
  }
  add_operation(o);
}

CudnnTensor CudnnGraph::pointwise(const Pointwise& how, CudnnType type, const CudnnTensor& x,
                                  const CudnnTensor& b, const CudnnTensor& t) {
  const CudnnTensor y = between(type, x.dims, x.strides);
  pointwise(how, x, b, t, y);
  return y;
}

void CudnnGraph::reduce(CudnnReduce mode, const CudnnTensor& x, const CudnnTensor& y) {
  CudnnDescriptor& r = part(kReductionKind, "a sum");
  const int which = static_cast<int>(mode);
  const int compute = static_cast<int>(CudnnType::kF32);
  r.set(kReductionMode, kReductionValue, 1, &which);
  r.set(kReductionCompute, kDataTypeValue, 1, &compute);
  r.finalize();
  CudnnDescriptor& o = part(kReductionOperation, "a sum");
  o.set_descriptor(kReductionDescriptor, r);
  o.set_descriptor(kReductionX, of(x));
  o.set_descriptor(kReductionY, of(y));
  add_operation(o);
}

void CudnnGraph::multiply(const CudnnTensor& a, const CudnnTensor& b, const Lengths& lengths,
                          const CudnnTensor& c) {
  CudnnDescriptor& m = part(kMatmulKind, "a product");
  const int compute = static_cast<int>(CudnnType::kF32);
  const double zero = 0.0;
  m.set(kMatmulCompute, kDataTypeValue, 1, &compute);
  if (lengths.zeros) m.set(kMatmulPadding, kDoubleValue, 1, &zero);
  m.finalize();
  CudnnDescriptor& o = part(kMatmulOperation, "a product");
  o.set_descriptor(kMatmulDescriptor, m);
  o.set_descriptor(kMatmulA, of(a));
  o.set_descriptor(kMatmulB, of(b));
  o.set_descriptor(kMatmulC, of(c));
  if (lengths.rows.number >= 0) o.set_descriptor(kMatmulRows, of(lengths.rows));
  if (lengths.cols.number >= 0) o.set_descriptor(kMatmulCols, of(lengths.cols));
  if (lengths.depth.number >= 0) o.set_descriptor(kMatmulDepth, of(lengths.depth));
  add_operation(o);
}

void CudnnGraph::reshape(const CudnnTensor& x, const CudnnTensor& y) {
  CudnnDescriptor& o = part(kReshapeOperation, "a reshape");
  o.set_descriptor(kReshapeX, of(x));
  o.set_descriptor(kReshapeY, of(y));
  add_operation(o);
}

// ---- plans ----

std::unique_ptr<CudnnPlan> CudnnGraph::build(void* handle) {
  CudnnDescriptor graph(calls_, kGraphKind, "a graph");
  graph.set(kGraphHandle, kHandleValue, 1, &handle);
  graph.set(kGraphOperations, kDescriptorValue, std::ssize(operations_), operations_.data());
  graph.finalize();
  std::vector<CudnnDescriptor> configs = configs_of(calls_, graph);
  for (CudnnDescriptor& config : configs) {
    if (!same_bits(calls_, config)) continue;
    CudnnDescriptor plan(calls_, kPlanKind, "a plan");
    plan.set(kPlanHandle, kHandleValue, 1, &handle);
    plan.set_descriptor(kPlanConfig, config);
    if (calls_.finalize(plan.raw()) != 0) continue;
    auto built = std::make_unique<CudnnPlan>();
    std::int64_t count = 0;
    check_cudnn(calls_.get_attribute(plan.raw(), kPlanWorkspace, kInt64Value, 1, &count, &built->workspace),
                "a plan's workspace");
    built->constants_ = std::move(constants_);  // a list's elements stay where they are
    built->constant_places_ = std::move(constant_places_);
    for (CudnnDescriptor& p : parts_) built->parts_.push_back(std::move(p));
    built->parts_.push_back(std::move(graph));
    built->parts_.push_back(std::move(config));
    built->parts_.push_back(std::move(plan));
    return built;
  }
  fail(ErrorCode::kUnsupported, "[cuda] cuDNN builds none of the {} plans that it names", configs.size());
}

void CudnnPlan::run(const CudnnCalls& calls, void* handle, std::span<const CudnnPlace> places,
                    void* workspace_bytes) const {
  std::vector<std::int64_t> ids;
  std::vector<const void*> data;
  for (const CudnnPlace& p : constant_places_) {
    ids.push_back(p.id);
    data.push_back(p.data);
  }
  for (const CudnnPlace& p : places) {
    ids.push_back(p.id);
    data.push_back(p.data);
  }
  CudnnDescriptor pack(calls, kVariantPackKind, "operands");
  pack.set(kPackIds, kInt64Value, std::ssize(ids), ids.data());
  pack.set(kPackPointers, kPointerValue, std::ssize(data), data.data());
  pack.set(kPackWorkspace, kPointerValue, 1, &workspace_bytes);
  pack.finalize();
  const int status = calls.execute(handle, parts_.back().raw(), pack.raw());
  LQ_CHECK(status == 0, kInternal, "[cuda] cuDNN fails to run its plan: status {}", status);
}

}  // namespace lq::backends::cuda
