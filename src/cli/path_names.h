// Names of files and folders on the command line.
#pragma once

#include <string>
#include <vector>

namespace lq::cli {

// Throws Error(kInvalidArgument) for a word that names a file or folder which is there and whose name is not
// UTF-8: names are written into JSON files, which could not be read again. Before any work.
void check_path_names(const std::vector<std::string>& words);

}  // namespace lq::cli
