// Ranks that are threads of this process: a Collective for tests of what several ranks compute.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "dist/collective.h"
#include "support/add_by_tree.h"

namespace lq {

class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : buffers_(static_cast<std::size_t>(size)) {
    for (int i = 0; i < size; ++i) members_.emplace_back(*this, i);
  }

  // body(rank's collective) in a thread each; returns when all have. REQUIRES: body does not throw.
  void run(const std::function<void(Collective&)>& body) {
    std::vector<std::jthread> threads;
    for (Member& m : members_) threads.emplace_back([&] { body(m); });
  }

 private:
  class Member final : public Collective {
   public:
    Member(ThreadRanks& all, int rank) : all_(all), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(all_.buffers_.size()); }
    void sum_by_tree(Vector x, int parts) override { sum_spans(std::span<float>(x), parts); }
    void sum(std::span<double> x) override { sum_spans(x, size()); }
    void broadcast(std::span<std::byte> x, int root) override {
      mine() = x.data();
      barrier();
      if (rank_ != root) std::memcpy(x.data(), all_.buffers_[static_cast<std::size_t>(root)], x.size());
      barrier();
    }
    void barrier() override { all_.meet(); }

   private:
    void*& mine() { return all_.buffers_[static_cast<std::size_t>(rank_)]; }
    template <typename T>
    void sum_spans(std::span<T> x, int parts) {
      mine() = x.data();
      barrier();
      if (rank_ == 0) {
        add_by_tree(parts, [&](std::int64_t to, std::int64_t from) {
          T* const y = static_cast<T*>(all_.buffers_[static_cast<std::size_t>(to)]);
          const T* const z = static_cast<const T*>(all_.buffers_[static_cast<std::size_t>(from)]);
          for (std::size_t i = 0; i < x.size(); ++i) y[i] += z[i];
        });
      }
      barrier();
      broadcast(std::as_writable_bytes(x), 0);
    }

    ThreadRanks& all_;
    int rank_;
  };

  // Not std::barrier: that of libstdc++ 12 can sleep through the last arrival.
  void meet() {
    std::unique_lock lock(mutex_);
    const std::uint64_t meeting = meetings_;
    if (++arrived_ == buffers_.size()) {
      arrived_ = 0;
      ++meetings_;
      all_there_.notify_all();
    } else {
      all_there_.wait(lock, [&] { return meetings_ != meeting; });
    }
  }

  std::mutex mutex_;
  std::condition_variable all_there_;
  std::size_t arrived_ = 0;
  std::uint64_t meetings_ = 0;
  std::vector<void*> buffers_;
  std::vector<Member> members_;
};

}  // namespace lq
