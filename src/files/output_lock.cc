#include "files/output_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

// " (pid 123)" where the lock's file says so.
std::string holder_of(const fs::path& file) {
  std::string pid;
  try {
    pid = read_file(file, 64);
  } catch (const Error&) {
    return "";
  }
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  const bool number = std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; });
  return pid.empty() || !number ? "" : fmt::format(" (pid {})", pid);
}

}  // namespace

OutputLock OutputLock::take(const fs::path& file, const fs::path& out) {
  // A process that finishes removes its work with the lock in it: a lock on a removed file is none.
  for (int tries = 0; tries < 100; ++tries) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    LQ_CHECK(!error, kIo, "[output] {}: cannot create the directory: {}", file.parent_path().string(),
             error.message());
    FileDescriptor fd;
    try {
      fd = open_file(file, O_RDWR | O_CREAT, "create the lock");
    } catch (const Error&) {
      if (fs::exists(file.parent_path())) throw;
      continue;
    }
    LQ_CHECK(try_lock(fd, file), kIo, "[output] {}: another process is writing it{}", out.string(),
             holder_of(file));
    struct stat mine {};
    struct stat there {};
    if (::fstat(fd.get(), &mine) != 0 || ::stat(file.c_str(), &there) != 0 || mine.st_ino != there.st_ino)
      continue;
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd.get(), 0) == 0) write_all(fd, file, pid.data(), pid.size());
    OutputLock lock;
    lock.file_ = std::move(fd);
    return lock;
  }
  fail(ErrorCode::kIo, "[output] {}: its lock keeps vanishing", out.string());
}

}  // namespace lq
