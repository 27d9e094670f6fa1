// Patterns of names, as a shell's, over a whole text.
#pragma once

#include <string_view>

namespace lq {

// Whether the whole of `name` is what `pattern` says: * is any run of bytes, also none, also of dots and
// slashes; ? any one byte; every other byte itself. No classes, no escapes. O(pattern * name), no
// recursion.
bool glob_match(std::string_view pattern, std::string_view name);

}  // namespace lq
