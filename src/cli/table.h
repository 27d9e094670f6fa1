// A table for people: columns as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace lq::cli {

// header and rows of equal length; columns named in `left` are aligned left, the others right. Ends in a
// newline.
std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows,
                         const std::vector<std::size_t>& left = {0});

}  // namespace lq::cli
