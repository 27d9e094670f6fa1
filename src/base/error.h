// Errors that name who, what and what was expected. The library throws Error; only cli/main.cc turns it into
// an exit code.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "lqlora/error.h"

namespace lq {

// The same type inside and outside (include/lqlora/error.h says what the codes mean).
using lqlora::Error;
using lqlora::ErrorCode;

// Throws Error(code, formatted message).
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lq

// For data from outside: always on, throws Error.
// Example: LQ_CHECK(rank > 0, kInvalidArgument, "rank is {}, but must be at least 1", rank);
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
