#include "backends/cuda/graph.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "backends/cuda/device.h"
#include "backends/cuda/queue.h"
#include "backends/cuda/weights.h"
#include "base/error.h"

namespace lq::backends::cuda {
namespace {

constexpr std::size_t kSlotAlign = 256;
std::size_t slot_end(std::size_t begin, std::size_t bytes) {
  return begin + (bytes + kSlotAlign - 1) / kSlotAlign * kSlotAlign;
}

// Memory that was given back while this thread captured.
thread_local std::vector<std::byte*>* held = nullptr;

// The host's range `part` within `whole`; -1 where it is not.
std::ptrdiff_t offset_within(const void* whole, std::size_t size, const void* part, std::size_t bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(whole);
  const auto at = reinterpret_cast<std::uintptr_t>(part);
  if (at < begin || bytes > size || at - begin > size - bytes) return -1;
  return static_cast<std::ptrdiff_t>(at - begin);
}

// From its begin to finish(), or the end of its life, the stream is captured.
class Capture {
 public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capturing a graph");
    held = &given_back_;
  }
  ~Capture() {
    if (cudaGraph_t const graph = finish()) (void)cudaGraphDestroy(graph);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Null where something ended the capture.
  cudaGraph_t finish() {
    if (done_) return nullptr;
    done_ = true;
    cudaGraph_t graph = nullptr;
    const cudaError_t status = cudaStreamEndCapture(stream_, &graph);
    (void)cudaGetLastError();  // or the next launch would report it
    held = nullptr;
    for (std::byte* const bytes : given_back_) (void)cudaFree(bytes);
    return status == cudaSuccess ? graph : nullptr;
  }

 private:
  cudaStream_t stream_;
  bool done_ = false;
  std::vector<std::byte*> given_back_;
};

}  // namespace

void refuse_in_capture(const char* what) {
  LQ_CHECK(held == nullptr, kUnsupported, "[cuda] {} cannot be a part of a graph", what);
}

bool release_after_capture(std::byte* bytes) {
  if (held != nullptr) held->push_back(bytes);
  return held != nullptr;
}

Graphs::~Graphs() {
  for (const auto& piece : pieces_) drop(*piece);
  pieces_.clear();
  slots_.clear();
}

void Graphs::drop(Piece& piece) {
  if (piece.graph != nullptr) (void)cudaGraphExecDestroy(piece.graph);
  if (piece.constants != nullptr) (void)cudaFree(piece.constants);  // waits for who reads them
  piece.graph = nullptr;
  piece.constants = nullptr;
}

const void* Graphs::staged(const void* host, std::size_t bytes) const {
  if (now_ == nullptr) return nullptr;
  for (std::size_t i = 0; i < now_->inputs.size(); ++i) {
    const auto& in = now_->inputs[i];
    if (const auto at = offset_within(in.data, in.size, host, bytes); at >= 0)
      return slots_.data + offsets_[i] + at;
  }
  return nullptr;
}

void* Graphs::output(const void* host, std::size_t bytes) const {
  if (now_ == nullptr) return nullptr;
  for (std::size_t i = 0; i < now_->outputs.size(); ++i) {
    const auto& out = now_->outputs[i];
    if (const auto at = offset_within(out.data, out.size, host, bytes); at >= 0)
      return slots_.data + offsets_[now_->inputs.size() + i] + at;
  }
  return nullptr;
}

const void* Graphs::constant(const void* host, std::size_t bytes) {
  const std::size_t at = constants_.size();
  LQ_CHECK(slot_end(at, bytes) <= at_hand_->constant_bytes, kUnsupported,
           "[cuda] {} bytes more than last time cannot be a part of a graph", bytes);
  constants_.resize(slot_end(at, bytes));
  if (bytes > 0) std::memcpy(constants_.data() + at, host, bytes);
  return at_hand_->constants + at;
}

void Graphs::count_constant(std::size_t bytes) {
  if (at_hand_ != nullptr) at_hand_->constant_bytes = slot_end(at_hand_->constant_bytes, bytes);
}

void Graphs::place(const RepeatedWork& what) {
  offsets_.clear();
  std::size_t end = 0;
  const auto add = [&](std::size_t bytes) {
    offsets_.push_back(end);
    end = slot_end(end, bytes);
  };
  for (const auto& in : what.inputs) add(in.size);
  inputs_end_ = end;
  for (const auto& out : what.outputs) add(out.size);
  if (slots_.size < end) {
    check(cudaStreamSynchronize(use(queue_)), "waiting for the device");
    slots_.clear();
    slots_ = {allocate({DeviceKind::kCuda, static_cast<std::uint8_t>(queue_.device)}, end), end};
  }
  if (inputs_end_ == 0) return;
  packed_.resize(inputs_end_);
  for (std::size_t i = 0; i < what.inputs.size(); ++i) {
    if (what.inputs[i].size > 0)
      std::memcpy(packed_.data() + offsets_[i], what.inputs[i].data, what.inputs[i].size);
  }
  upload_to(queue_, packed_.data(), inputs_end_, slots_.data);
}

void Graphs::bring(const RepeatedWork& what) {
  if (what.outputs.empty()) return;
  const std::size_t count = what.inputs.size();
  const std::size_t size = offsets_.back() + what.outputs.back().size - inputs_end_;
  if (size == 0) return;
  packed_.resize(size);
  copy_to_host(queue_, slots_.data + inputs_end_, size, packed_.data());
  for (std::size_t i = 0; i < what.outputs.size(); ++i) {
    if (what.outputs[i].size == 0) continue;
    std::memcpy(what.outputs[i].data, packed_.data() + offsets_[count + i] - inputs_end_,
                what.outputs[i].size);
  }
}

std::unique_ptr<Graphs::Piece>& Graphs::piece_of(const RepeatedWork& what) {
  std::vector<std::uint64_t> key = what.key;
  for (const auto& in : what.inputs) key.push_back(in.size);
  for (const auto& out : what.outputs) key.push_back(out.size);
  auto found = std::ranges::find_if(pieces_, [&](const auto& p) { return p->key == key; });
  if (found == pieces_.end()) {
    if (pieces_.size() == kMostGraphs) {
      const auto oldest = std::ranges::min_element(pieces_, {}, [](const auto& p) { return p->used; });
      drop(**oldest);
      pieces_.erase(oldest);
    }
    pieces_.push_back(std::make_unique<Piece>());
    pieces_.back()->key = std::move(key);
    found = std::prev(pieces_.end());
  }
  (*found)->used = ++clock_;
  return *found;
}

void Graphs::launch(Piece& piece) {
  check(cudaGraphLaunch(piece.graph, use(queue_)), "launching a graph");
  queue_.decoded.clear();  // the graph decoded other weights to their places
}

bool Graphs::capture(Piece& piece, FunctionRef<void(const void*)> work) {
  const cudaStream_t stream = use(queue_);
  drop(piece);  // what an interrupted capture left
  if (piece.constant_bytes > 0) {
    void* constants = nullptr;
    if (cudaMalloc(&constants, piece.constant_bytes) != cudaSuccess) {
      (void)cudaGetLastError();
      return false;
    }
    piece.constants = static_cast<std::byte*>(constants);
  }
  constants_.clear();
  queue_.decoded.clear();  // what lies there now will not when the graph runs
  cudaGraph_t graph = nullptr;
  bool whole = true;
  {
    Capture capturing(stream);
    struct Flag {
      Graphs& graphs;
      explicit Flag(Graphs& of) : graphs(of) { graphs.capturing_ = true; }
      ~Flag() {
        graphs.capturing_ = false;
        graphs.queue_.decoded.clear();  // nothing was decoded yet, however the capture ends
      }
    } const flag(*this);
    try {
      work(piece.kept.get());
    } catch (const Error& e) {
      if (e.code() == ErrorCode::kInterrupted) throw;
      whole = false;  // what is wrong shows again kernel by kernel, if it is not the capture
    }
    graph = capturing.finish();
  }
  whole = whole && graph != nullptr && piece.epoch == release_count() &&
          cudaGraphInstantiateWithFlags(&piece.graph, graph, 0) == cudaSuccess;
  if (graph != nullptr) (void)cudaGraphDestroy(graph);
  (void)cudaGetLastError();
  if (whole && !constants_.empty())
    copy_to_device(queue_, constants_.data(), constants_.size(), piece.constants);
  if (!whole) drop(piece);
  return whole;
}

void Graphs::run_piece(Piece& piece, FunctionRef<std::shared_ptr<const void>()> prepare,
                       FunctionRef<void(const void*)> work) {
  if (piece.epoch != release_count()) drop(piece);
  if (piece.graph != nullptr) {
    launch(piece);
    ++counts_.replayed;
    return;
  }
  // Once as it is: what grows has grown then, and what is made once is made.
  if (piece.prepared && !piece.refused && piece.epoch == release_count()) {
    if (capture(piece, work)) {
      launch(piece);
      ++counts_.captured;
      return;
    }
    piece.refused = true;
    ++counts_.abandoned;
  }
  if (!piece.prepared) piece.kept = prepare();
  piece.prepared = true;
  piece.constant_bytes = 0;
  work(piece.kept.get());
  ++counts_.plain;
  piece.epoch = release_count();
}

void Graphs::run(const RepeatedWork& what, FunctionRef<std::shared_ptr<const void>()> prepare,
                 FunctionRef<void(const void*)> work) {
  if (now_ != nullptr) return work(prepare().get());
  struct Reset {
    Graphs& graphs;
    ~Reset() {
      graphs.now_ = nullptr;
      graphs.at_hand_ = nullptr;
    }
  } reset{*this};
  place(what);
  now_ = &what;
  if (on_) {
    Piece& piece = *piece_of(what);
    at_hand_ = &piece;
    run_piece(piece, prepare, work);
  } else {
    work(prepare().get());
    ++counts_.plain;
  }
  bring(what);
}

void repeat(DeviceQueue& queue, const RepeatedWork& what, FunctionRef<std::shared_ptr<const void>()> prepare,
            FunctionRef<void(const void*)> work) {
  queue.graphs->run(what, prepare, work);
}

RepeatCounts repeat_counts(const DeviceQueue& queue) { return queue.graphs->counts(); }

}  // namespace lq::backends::cuda
