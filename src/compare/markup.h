// Text inside of HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace lq {

// Text as it may stand between tags and in attributes; control characters are left out.
std::string html_text(std::string_view text);

}  // namespace lq
