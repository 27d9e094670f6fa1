// A request to stop (Ctrl-C, SIGTERM), passed in and looked at between units of work.
#pragma once

#include <atomic>

#include "base/error.h"

namespace lq {

class StopToken {
 public:
  StopToken() = default;  // never asks to stop
  explicit StopToken(const std::atomic<bool>* flag) : flag_(flag) {}
  bool requested() const { return flag_ != nullptr && flag_->load(std::memory_order_relaxed); }
  // Throws Error(kInterrupted) when a stop was requested.
  void check() const {
    LQ_CHECK(!requested(), kInterrupted, "interrupted; run the same command again to go on");
  }

 private:
  const std::atomic<bool>* flag_ = nullptr;
};

}  // namespace lq
