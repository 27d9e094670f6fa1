#include "files/path_access.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace lq {

namespace fs = std::filesystem;

fs::file_status path_status(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::none) fail_errno(path, "look at", error.value());
  return status;
}

bool path_exists(const fs::path& path) { return fs::exists(path_status(path)); }

void check_readable(const fs::path& path) {
  const fs::file_status status = path_status(path);
  if (!fs::exists(status)) return;
  const int wanted = fs::is_directory(status) ? X_OK : R_OK;
  if (::faccessat(AT_FDCWD, path.c_str(), wanted, AT_EACCESS) != 0) fail_errno(path, "read", errno);
}

}  // namespace lq
