// What lies at a path, as one hash.
#pragma once

#include <filesystem>
#include <string>

namespace lq {

// Of a file's bytes, or of all files under a folder with their names, without folders in it that are outputs
// of this program. Throws Error(kNotFound), Error(kIo).
std::string content_hash(const std::filesystem::path& path);

}  // namespace lq
