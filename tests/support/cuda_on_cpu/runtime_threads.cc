// Kernels: the threads of a block as fibers, what they do together, and the launch of all blocks.
#include <sys/mman.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "include/kernel.h"
#include "runtime_card.h"
#include "runtime_memory.h"
#include "runtime_streams.h"

uint3 threadIdx = {};
uint3 blockIdx = {};
dim3 blockDim;
dim3 gridDim;

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

namespace cuda_on_cpu {

namespace {

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

void launch(const Config& config, void (*thread)(void*), void* data,
            std::shared_ptr<void> (*copy)(const void*)) {
  if (capturing(config.stream)) {
    Config later = config;
    later.stream = nullptr;
    record(config.stream, [later, thread, copied = copy(data)] {
      launch(later, thread, copied.get(), nullptr);
      const std::lock_guard<std::recursive_mutex> lock(card.mutex);
      return std::exchange(card.last_error, cudaSuccess);
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
  ++card.launches;
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

}  // namespace cuda_on_cpu
