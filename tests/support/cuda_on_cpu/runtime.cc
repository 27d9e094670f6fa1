// CUDA's runtime on the processor, for tests where there is no card. What it is stricter in than a card:
// device memory can be touched by kernels and copies alone, an access past an allocation's end ends the
// program, new memory holds NaNs, and lanes that wait for one that has ended end it too. A captured stream's
// work is kept and done when its graph is launched; calls that a capture does not allow end it. What it
// cannot show: speed, and work that should have been waited for. The card is described by environment
// variables:
//   LQ_CPU_CARDS (1), LQ_CPU_CARD_CAPABILITY (90), LQ_CPU_CARD_BYTES (8 GiB), LQ_CPU_CARD_DRIVER (13000),
//   LQ_CPU_CARD_TAKEN (another process holds it), LQ_CPU_CARD_FAILS_AFTER (launches until it is lost),
//   LQ_CPU_CARD_REVERSED (threads run from last to first: the same bits, unless they race).
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "include/kernel.h"

uint3 threadIdx = {};
uint3 blockIdx = {};
dim3 blockDim;
dim3 gridDim;

struct cudaGraphOnCpu {
  std::vector<std::function<cudaError_t()>> work;
};
struct cudaStreamOnCpu {
  bool capturing = false;
  bool invalid = false;  // the capture, by a call that it does not allow
  cudaGraphOnCpu captured;
};

namespace {

long setting(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == 0 ? otherwise : std::atol(text);
}

[[noreturn]] void stop(const char* what) {
  std::fprintf(stderr, "cuda_on_cpu: %s in thread (%u, %u) of block (%u, %u)\n", what, threadIdx.x,
               threadIdx.y, blockIdx.x, blockIdx.y);
  std::abort();
}

// --- memory: each allocation ends at the end of its pages, and the page behind is never there ---

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlign = 256;
constexpr std::size_t kPoisoned = std::size_t{1} << 20;

struct Allocation {
  char* pages = nullptr;
  std::size_t mapped = 0;
  std::size_t size = 0;
};

std::recursive_mutex mutex;  // of all that follows
std::map<char*, Allocation> allocations;
std::size_t used = 0;
int open = 0;
cudaError_t last_error = cudaSuccess;
long launches = 0;

void protect(int how) {
  for (const auto& [address, a] : allocations) mprotect(a.pages, a.mapped, how);
}
struct Opened {
  std::lock_guard<std::recursive_mutex> lock{mutex};
  Opened() {
    if (open++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  ~Opened() {
    if (--open == 0) protect(PROT_NONE);
  }
};

cudaError_t failed(cudaError_t error) {
  last_error = error;
  return error;
}

std::size_t total_bytes() { return static_cast<std::size_t>(setting("LQ_CPU_CARD_BYTES", 8L << 30)); }
bool lost() {
  const long after = setting("LQ_CPU_CARD_FAILS_AFTER", -1);
  return after >= 0 && launches > after;
}

// --- captures ---

thread_local cudaStreamOnCpu* captured_here = nullptr;  // the stream that this thread captures

bool capturing(const cudaStreamOnCpu* stream) { return stream != nullptr && stream->capturing; }

cudaError_t record(cudaStreamOnCpu* stream, std::function<cudaError_t()> work) {
  if (stream->invalid) return failed(cudaErrorStreamCaptureInvalidated);
  stream->captured.work.push_back(std::move(work));
  return cudaSuccess;
}

// What a thread that captures may not call.
bool refused_in_capture() {
  if (captured_here == nullptr) return false;
  captured_here->invalid = true;
  return true;
}

// --- threads of a block as fibers ---

enum class State { kReady, kAtBlock, kAtWarp, kEnded };

constexpr std::size_t kStack = std::size_t{256} << 10;
constexpr int kWarp = 32;
constexpr int kMostThreads = 1024;

struct Slot {
  alignas(16) char bytes[cuda_on_cpu::kSlotBytes];
};
struct Fiber {
  void* stack_pointer = nullptr;
  State state = State::kEnded;
  uint3 index = {};
  unsigned collectives = 0;
  Slot slots[2];
};

std::vector<Fiber> fibers(kMostThreads);
char* stacks = nullptr;
int threads = 0;
int current = 0;
void* scheduler = nullptr;
void (*body)(void*) = nullptr;
void* body_data = nullptr;

}  // namespace

// Saves what a call keeps, and goes on where the other stopped.
extern "C" void lq_switch(void** from, void* to);
asm(R"(
.text
.type lq_switch, @function
lq_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size lq_switch, .-lq_switch
)");

namespace {

void yield(State state) {
  Fiber& f = fibers[static_cast<std::size_t>(current)];
  f.state = state;
  lq_switch(&f.stack_pointer, scheduler);
}

void thread_main() {
  body(body_data);
  yield(State::kEnded);
  stop("a thread went on after its end");
}

void begin(int thread) {
  Fiber& f = fibers[static_cast<std::size_t>(thread)];
  const unsigned at = static_cast<unsigned>(thread);
  f.index = {at % blockDim.x, at / blockDim.x % blockDim.y, at / (blockDim.x * blockDim.y)};
  f.state = State::kReady;
  f.collectives = 0;
  auto* const top = reinterpret_cast<void**>(stacks + (static_cast<std::size_t>(thread) + 1) * kStack);
  top[-1] = nullptr;
  top[-2] = reinterpret_cast<void*>(thread_main);
  f.stack_pointer = top - 2 - 6;
}

// Whether some threads can go on.
bool release() {
  bool any = false;
  int waiting = 0;
  int live = 0;
  for (int first = 0; first < threads; first += kWarp) {
    int lanes = 0;
    int at_warp = 0;
    for (int t = first; t < threads && t < first + kWarp; ++t) {
      const State s = fibers[static_cast<std::size_t>(t)].state;
      lanes += s != State::kEnded ? 1 : 0;
      at_warp += s == State::kAtWarp ? 1 : 0;
      waiting += s == State::kAtBlock ? 1 : 0;
    }
    live += lanes;
    if (lanes == 0 || at_warp < lanes) continue;
    any = true;
    for (int t = first; t < threads && t < first + kWarp; ++t) {
      Fiber& f = fibers[static_cast<std::size_t>(t)];
      if (f.state == State::kAtWarp) f.state = State::kReady;
    }
  }
  if (live > 0 && waiting == live) {
    any = true;
    for (int t = 0; t < threads; ++t) {
      Fiber& f = fibers[static_cast<std::size_t>(t)];
      if (f.state == State::kAtBlock) f.state = State::kReady;
    }
  }
  if (live > 0 && !any) stop("threads wait for each other at different barriers");
  return live > 0;
}

void run_block(bool reversed) {
  for (int t = 0; t < threads; ++t) begin(t);
  do {
    for (int i = 0; i < threads; ++i) {
      current = reversed ? threads - 1 - i : i;
      Fiber& f = fibers[static_cast<std::size_t>(current)];
      if (f.state != State::kReady) continue;
      threadIdx = f.index;
      lq_switch(&scheduler, f.stack_pointer);
    }
  } while (release());
}

}  // namespace

namespace cuda_on_cpu {

void block_barrier() { yield(State::kAtBlock); }
void warp_barrier() { yield(State::kAtWarp); }
int lane() { return current % kWarp; }

void* own_slot() {
  Fiber& f = fibers[static_cast<std::size_t>(current)];
  return f.slots[++f.collectives % 2].bytes;
}

const void* slot_of(int lane) {
  const int of = current / kWarp * kWarp + lane;
  if (lane < 0 || lane >= kWarp || of >= threads) stop("a lane that does not exist was asked");
  const Fiber& mine = fibers[static_cast<std::size_t>(current)];
  const Fiber& f = fibers[static_cast<std::size_t>(of)];
  if (f.collectives < mine.collectives) stop("a lane that has ended was asked");
  return f.slots[mine.collectives % 2].bytes;
}

namespace {

float float_of_half_bits(std::uint32_t h) {
  const int exponent = static_cast<int>(h >> 10 & 31U);
  const float mantissa = static_cast<float>(h & 1023U);
  const float size = exponent == 0    ? std::ldexp(mantissa, -24)
                     : exponent == 31 ? (mantissa == 0.0F ? INFINITY : NAN)
                                      : std::ldexp(mantissa + 1024.0F, exponent - 25);
  return (h >> 15 & 1U) != 0 ? -size : size;
}
float half_at(std::uint32_t pair, int which) { return float_of_half_bits(pair >> (16 * which) & 0xffffU); }

}  // namespace

void mma_m16n8k16(float* const d[4], const std::uint32_t a[4], const std::uint32_t b[2]) {
  std::uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  std::memcpy(own_slot(), mine, sizeof mine);
  warp_barrier();
  // By the layouts of the PTX manual: group = lane / 4, t = lane % 4.
  const auto word = [](int of_lane, int i) {
    std::uint32_t all[6];
    std::memcpy(all, slot_of(of_lane), sizeof all);
    return all[i];
  };
  const int group = lane() / 4;
  const int t = lane() % 4;
  for (int i = 0; i < 4; ++i) {
    const int row = group + (i >= 2 ? 8 : 0);
    const int col = 2 * t + i % 2;
    double sum = *d[i];
    for (int k = 0; k < 16; ++k) {
      const int k_lane = k % 8 / 2;
      const std::uint32_t left = word(row % 8 * 4 + k_lane, (row >= 8 ? 1 : 0) + (k >= 8 ? 2 : 0));
      const std::uint32_t right = word(col * 4 + k_lane, 4 + (k >= 8 ? 1 : 0));
      sum += double{half_at(left, k % 2)} * half_at(right, k % 2);
    }
    *d[i] = static_cast<float>(sum);
  }
  warp_barrier();
}

void launch(const Config& config, void (*thread)(void*), void* data,
            std::shared_ptr<void> (*copy)(const void*)) {
  if (capturing(config.stream)) {
    Config later = config;
    later.stream = nullptr;
    record(config.stream, [later, thread, copied = copy(data)] {
      launch(later, thread, copied.get(), nullptr);
      const std::lock_guard<std::recursive_mutex> lock(mutex);
      return std::exchange(last_error, cudaSuccess);
    });
    return;
  }
  Opened opened;
  const dim3& g = config.grid;
  const dim3& b = config.block;
  if (lost()) {
    failed(cudaErrorIllegalAddress);
    return;
  }
  ++launches;
  if (std::size_t{b.x} * b.y * b.z > kMostThreads || b.x * b.y * b.z == 0 || g.x == 0 || g.y == 0 ||
      g.z == 0 || g.x > 0x7fffffffU || g.y > 65535 || g.z > 65535) {
    failed(cudaErrorInvalidConfiguration);
    return;
  }
  if (stacks == nullptr) {
    void* const room = mmap(nullptr, kStack * kMostThreads, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) stop("no room for stacks");
    stacks = static_cast<char*>(room);
  }
  static const bool reversed = setting("LQ_CPU_CARD_REVERSED", 0) != 0;
  blockDim = b;
  gridDim = g;
  threads = static_cast<int>(b.x * b.y * b.z);
  body = thread;
  body_data = data;
  for (unsigned z = 0; z < g.z; ++z) {
    for (unsigned y = 0; y < g.y; ++y) {
      for (unsigned x = 0; x < g.x; ++x) {
        blockIdx = {x, y, z};
        run_block(reversed);
      }
    }
  }
}

// For cublas.cc: device memory may be touched while this lives.
extern "C" LQ_ON_CPU void* lq_cpu_card_open() { return new Opened; }
extern "C" LQ_ON_CPU void lq_cpu_card_close(void* opened) { delete static_cast<Opened*>(opened); }
// Likewise: keeps `work` for later where the stream is captured. Else false.
extern "C" LQ_ON_CPU bool lq_cpu_card_record(void* stream, std::function<void()>* work) {
  auto* const s = static_cast<cudaStreamOnCpu*>(stream);
  if (!capturing(s)) return false;
  record(s, [work = *work] {
    work();
    return cudaSuccess;
  });
  return true;
}

}  // namespace cuda_on_cpu

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = static_cast<int>(setting("LQ_CPU_CARDS", 1));
  if (setting("LQ_CPU_CARD_DRIVER", 13000) < 13000) return failed(cudaErrorInsufficientDriver);
  return *count == 0 ? failed(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || device >= count) return failed(cudaErrorInvalidDevice);
  const long capability = setting("LQ_CPU_CARD_CAPABILITY", 90);
  *p = {"the processor as a card", static_cast<int>(capability / 10), static_cast<int>(capability % 10),
        total_bytes()};
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int /*device*/) {
  const long capability = setting("LQ_CPU_CARD_CAPABILITY", 90);
  *value = which == cudaDevAttrMultiProcessorCount      ? 3
           : which == cudaDevAttrComputeCapabilityMajor ? static_cast<int>(capability / 10)
                                                        : static_cast<int>(capability % 10);
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = static_cast<int>(setting("LQ_CPU_CARD_DRIVER", 13000));
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  int count = 0;
  return cudaGetDeviceCount(&count) != cudaSuccess || device >= count ? failed(cudaErrorInvalidDevice)
                                                                      : cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorDevicesUnavailable:
      return "CUDA-capable device(s) is/are busy or unavailable";
    default:
      return "another error";
  }
}

cudaError_t cudaMalloc(void** bytes, std::size_t size) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  if (lost()) return failed(cudaErrorIllegalAddress);
  const std::size_t rounded = (size + kAlign - 1) / kAlign * kAlign;
  if (used + rounded > total_bytes()) return failed(cudaErrorMemoryAllocation);
  const std::size_t mapped = (rounded + kPage - 1) / kPage * kPage;
  void* const pages = mmap(nullptr, mapped + kPage, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return failed(cudaErrorMemoryAllocation);
  auto* const begin = static_cast<char*>(pages);
  if (rounded <= kPoisoned) std::memset(begin, 0xff, mapped);  // pages that are never touched cost nothing
  mprotect(begin + mapped, kPage, PROT_NONE);
  if (open == 0) mprotect(begin, mapped, PROT_NONE);
  char* const at = begin + mapped - rounded;
  allocations[at] = {begin, mapped, rounded};
  used += rounded;
  *bytes = at;
  return cudaSuccess;
}

cudaError_t cudaFree(void* bytes) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  if (bytes == nullptr)
    return setting("LQ_CPU_CARD_TAKEN", 0) != 0 ? failed(cudaErrorDevicesUnavailable) : cudaSuccess;
  const auto it = allocations.find(static_cast<char*>(bytes));
  if (it == allocations.end()) stop("memory was given back that is not there");
  munmap(it->second.pages, it->second.mapped + kPage);
  used -= it->second.size;
  allocations.erase(it);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** bytes, std::size_t size) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  *bytes = std::malloc(size);
  return *bytes == nullptr ? failed(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaFreeHost(void* bytes) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  std::free(bytes);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  *total = total_bytes();
  *free = *total - used;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (capturing(stream))
    return record(stream, [=] { return cudaMemcpyAsync(to, from, size, kind, nullptr); });
  Opened opened;
  if (lost()) return failed(cudaErrorIllegalAddress);
  // The side that must be a card's memory lies in one allocation.
  const auto on_card = [&](const void* p) {
    auto* const at = const_cast<char*>(static_cast<const char*>(p));
    auto it = allocations.upper_bound(at);
    if (it == allocations.begin()) return false;
    --it;
    return at + size <= it->first + it->second.size;
  };
  const bool to_card = kind != cudaMemcpyDeviceToHost;
  const bool from_card = kind != cudaMemcpyHostToDevice;
  if (size > 0 && (on_card(to) != to_card || on_card(from) != from_card))
    return failed(cudaErrorInvalidValue);
  std::memmove(to, from, size);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t size, cudaStream_t stream) {
  if (capturing(stream)) return record(stream, [=] { return cudaMemsetAsync(to, value, size, nullptr); });
  Opened opened;
  if (lost()) return failed(cudaErrorIllegalAddress);
  std::memset(to, value, size);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new cudaStreamOnCpu;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (capturing(stream)) {
    stream->invalid = true;
    return failed(cudaErrorStreamCaptureUnsupported);
  }
  return lost() ? failed(cudaErrorIllegalAddress) : cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capturing || captured_here != nullptr) return failed(cudaErrorStreamCaptureUnsupported);
  captured_here = stream;
  stream->capturing = true;
  stream->invalid = false;
  stream->captured.work.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (captured_here != stream) return failed(cudaErrorStreamCaptureUnsupported);
  captured_here = nullptr;
  stream->capturing = false;
  if (stream->invalid) return failed(cudaErrorStreamCaptureInvalidated);
  *graph = new cudaGraphOnCpu(std::move(stream->captured));
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new cudaGraphOnCpu(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  if (capturing(stream)) return failed(cudaErrorStreamCaptureUnsupported);
  for (const auto& work : exec->work) {
    if (const cudaError_t error = work(); error != cudaSuccess) return failed(error);
  }
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {1024};
  return setting("LQ_CPU_CARD_CAPABILITY", 90) < 80 && setting("LQ_CPU_CARD_OTHER_BUILD", 0) != 0
             ? failed(cudaErrorNoKernelImageForDevice)
             : cudaSuccess;
}
}
