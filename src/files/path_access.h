// What lies at a path, where the system may refuse to say. The standard library calls what it may not look at
// missing, or throws an error of its own.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "files/file_descriptor.h"

namespace lq {

// Of what links lead to; of the type not_found where nothing is there. Throws Error(kIo) where that cannot be
// told: a folder on the way is closed to us, a name is too long.
std::filesystem::file_status path_status(const std::filesystem::path& path);
bool path_exists(const std::filesystem::path& path);

// Throws Error(kIo) for a file that we may not read and a folder that we may not look into; a path where
// nothing is passes.
void check_readable(const std::filesystem::path& path);

// body(), and what the standard library throws for paths as Error(kIo).
template <typename Body>
auto with_io_errors(const Body& body) {
  try {
    return body();
  } catch (const std::filesystem::filesystem_error& e) {
    if (e.path1().empty()) fail(ErrorCode::kIo, "[io] {}", e.what());
    fail_errno(e.path1(), "use", e.code().value());
  }
}

}  // namespace lq
