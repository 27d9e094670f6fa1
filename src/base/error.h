// Errors that name who, what and what was expected. The library throws Error; only cli/main.cc turns it into
// an exit code.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace lq {

enum class ErrorCode {
  kInvalidArgument,  // a flag or a parameter that cannot be
  kNotFound,         // a file, a tensor, a key that should be there
  kCorruptFile,      // bytes that contradict their own format
  kIo,               // the operating system refused: permission, full disk
  kUnsupported,      // well-formed, but not something this program does
  kMismatch,         // two things that do not belong together (shapes, hashes)
  kInterrupted,      // the user asked to stop
  kInternal,         // a bug of ours
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// Throws Error(code, formatted message).
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lq

// For data from outside: always on, throws Error.
// Example: LQ_CHECK(rank > 0, kInvalidArgument, "--rank is {}, but must be at least 1", rank);
#define LQ_CHECK(condition, code, ...)                                \
  do {                                                                \
    if (!(condition)) ::lq::fail(::lq::ErrorCode::code, __VA_ARGS__); \
  } while (false)

// For our own invariants: on in debug builds.
#ifdef NDEBUG
#define LQ_ASSERT(condition) \
  do {                       \
  } while (false)
#else
#define LQ_ASSERT(condition)                                                                               \
  do {                                                                                                     \
    if (!(condition)) ::lq::fail(::lq::ErrorCode::kInternal, "{}:{}: {}", __FILE__, __LINE__, #condition); \
  } while (false)
#endif
