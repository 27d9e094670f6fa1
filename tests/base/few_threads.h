// A process that gets only some threads from the system.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "base/error.h"

namespace lq::test {

// Sanitizers reserve more address space than the limit leaves.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadsCanBeLimited = false;
#else
inline constexpr bool kThreadsCanBeLimited = true;
#endif

// From now on there is room for the stacks of about a dozen threads. In a child process only.
inline void leave_room_for_few_threads() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const std::uint64_t now = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const rlimit limit{now + 100'000'000, now + 100'000'000};
  setrlimit(RLIMIT_AS, &limit);
}

// Ends the process: 0 where `call` throws Error(kIo) about a thread that could not be started.
template <typename Call>
[[noreturn]] void exit_after_too_few_threads(const Call& call) {
  leave_room_for_few_threads();
  int status = 1;
  try {
    call();
  } catch (const Error& e) {
    const bool said = std::string(e.what()).find("cannot start thread ") != std::string::npos;
    status = said && e.code() == ErrorCode::kIo ? 0 : 2;
  } catch (...) {
    status = 3;
  }
  _exit(status);
}

}  // namespace lq::test
