// Values of the environment inside a text.
#pragma once

#include <string>
#include <string_view>

namespace lq {

// Each ${NAME} of the text becomes the environment's value. Throws Error(kInvalidArgument), which says what
// is wrong with a text whose ${ has no end ("holds ...") or whose variable is not set ("names ...").
std::string with_environment(std::string_view text);

}  // namespace lq
