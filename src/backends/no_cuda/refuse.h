// What every op says in builds without CUDA.
#pragma once

#include "base/error.h"

namespace lq::backends::no_cuda {

[[noreturn]] inline void refuse(const char* what) {
  fail(ErrorCode::kUnsupported, "[cuda] {}: this build has no CUDA (cmake --preset cuda makes one)", what);
}

}  // namespace lq::backends::no_cuda
