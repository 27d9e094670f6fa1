// What every computation is given: threads, the seed of random numbers, who is told of progress, and a way to
// be stopped. Passed to every call, never found: the library has no global state.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace lqlora {

// How long work tells of itself: one call at a time, and as a rule from the thread that called the library.
// quantize() tells of each matrix from the thread that finished it, which may be one of the context's.
class Progress {
 public:
  virtual ~Progress() = default;
  // A stage begins: `total` units of work (0: unknown), counted in `unit` ("weights", "tokens").
  virtual void begin(std::string_view stage, std::int64_t total, std::string_view unit) = 0;
  // `done` units of the stage are finished; `detail` says which thing is in hand.
  virtual void update(std::int64_t done, std::string_view detail) = 0;
  virtual void end() = 0;
  // One line for the log: a warning or a fact worth keeping.
  virtual void note(std::string_view line) = 0;
};

struct ContextOptions {
  int threads = 0;                          // 0: one per processor. Results do not depend on it, bit for bit
  std::uint64_t seed = 0;                   // of everything random
  Progress* progress = nullptr;             // borrowed; null: silence
  const std::atomic<bool>* stop = nullptr;  // borrowed; once true, work in hand throws Error(kInterrupted)
};

// Owns a pool of threads. One computation at a time: calls from two threads with the same Context wait for
// each other inside, or give each thread its own.
class Context {
 public:
  explicit Context(const ContextOptions& options = {});
  ~Context();
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;

  int threads() const;
  std::uint64_t seed() const;

  struct Impl;  // of the library
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lqlora
