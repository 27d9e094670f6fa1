#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/error.h"

namespace lq {
namespace {

thread_local bool inside_body = false;

// Looks at `ready` for some tens of microseconds before the thread goes to sleep: runs follow each other
// closely, and waking a thread takes longer than most of them.
template <typename Ready>
void spin(bool worthwhile, const Ready& ready) {
  if (!worthwhile) return;
  for (int i = 0; i < 4000 && !ready(); ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

struct InsideBody {
  InsideBody() { inside_body = true; }
  ~InsideBody() { inside_body = false; }
  InsideBody(const InsideBody&) = delete;
  InsideBody& operator=(const InsideBody&) = delete;
};

}  // namespace

struct ThreadPool::State {
  std::mutex caller;  // one run() at a time
  std::mutex mutex;   // guards what follows
  std::condition_variable start;
  std::condition_variable done;
  std::uint64_t generation = 0;
  int busy = 0;  // workers that have not finished this generation
  bool stop = false;
  const FunctionRef<void(std::int64_t)>* body = nullptr;
  std::int64_t count = 0;
  std::exception_ptr error;

  std::atomic<std::int64_t> next{0};
  // Copies of generation and busy for those who spin; what they see is checked again under the mutex.
  std::atomic<std::uint64_t> seen_generation{0};
  std::atomic<int> seen_busy{0};
  bool spins = false;  // a processor for each thread
  std::vector<std::thread> workers;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  // Here, so that the workers end where a pool could not be made whole.
  ~State() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    start.notify_all();
    for (auto& worker : workers) worker.join();
  }

  void work() {
    const InsideBody guard;
    for (std::int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        (*body)(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next.store(count);  // the rest is not worth doing
      }
    }
  }

  void worker_loop() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex, std::defer_lock);
    for (;;) {
      spin(spins, [&] { return seen_generation.load(std::memory_order_relaxed) != seen; });
      lock.lock();
      start.wait(lock, [&] { return stop || generation != seen; });
      if (stop) return;
      seen = generation;
      lock.unlock();
      work();
      lock.lock();
      seen_busy.store(--busy, std::memory_order_relaxed);
      if (busy == 0) done.notify_one();
      lock.unlock();
    }
  }
};

std::thread start_thread(std::function<void()> body, int number, int of) {
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& e) {
    fail(ErrorCode::kIo, "[threads] cannot start thread {} of {}: {}", number, of, e.what());
  }
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (threads <= 0) threads = processors;
  state_->spins = threads <= processors;
  state_->workers.reserve(static_cast<std::size_t>(threads));
  for (int i = 1; i < threads; ++i) {
    state_->workers.push_back(start_thread([s = state_.get()] { s->worker_loop(); }, i + 1, threads));
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

int ThreadPool::available() const { return inside_body ? 1 : threads(); }

void ThreadPool::run(std::int64_t count, FunctionRef<void(std::int64_t)> body) {
  if (count <= 0) return;
  if (inside_body || count == 1 || state_->workers.empty()) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  const std::lock_guard one_caller(state_->caller);
  {
    const std::lock_guard lock(state_->mutex);
    state_->body = &body;
    state_->count = count;
    state_->next.store(0);
    state_->error = nullptr;
    state_->busy = static_cast<int>(state_->workers.size());
    state_->seen_busy.store(state_->busy, std::memory_order_relaxed);
    state_->seen_generation.store(++state_->generation, std::memory_order_relaxed);
  }
  state_->start.notify_all();
  state_->work();
  spin(state_->spins, [&] { return state_->seen_busy.load(std::memory_order_relaxed) == 0; });
  std::unique_lock lock(state_->mutex);
  state_->done.wait(lock, [&] { return state_->busy == 0; });
  if (state_->error) std::rethrow_exception(state_->error);
}

void parallel_for(ThreadPool& pool, std::int64_t count, std::int64_t grain,
                  FunctionRef<void(std::int64_t, std::int64_t)> body) {
  if (count <= 0) return;
  if (count <= grain) {
    body(0, count);
    return;
  }
  const std::int64_t chunks = (count + grain - 1) / grain;
  pool.run(chunks, [&](std::int64_t chunk) {
    const std::int64_t begin = chunk * grain;
    body(begin, std::min(count, begin + grain));
  });
}

}  // namespace lq
