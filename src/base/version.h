// The program's version; CMake's project() says the same, and a test compares them.
#pragma once

#include <string_view>

namespace lq {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace lq
