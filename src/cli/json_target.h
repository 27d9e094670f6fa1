// Where --json may write.
#pragma once

#include <string>
#include <vector>

namespace lq::cli {

// Throws Error(kInvalidArgument) where `file`, of --json, is a file that another word of the command line
// names as well, such as --data: the result would take its place. words: the command line, --json and its
// file among them; an empty file or "-" is none.
void check_json_target(const std::string& file, const std::vector<std::string>& words);

}  // namespace lq::cli
