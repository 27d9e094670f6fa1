#include "files/file_descriptor.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace lq {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.fd_;
    other.fd_ = -1;
  }
  return *this;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void fail_errno(const std::filesystem::path& path, std::string_view action, int error) {
  fail(ErrorCode::kIo, "[io] {}: cannot {}: {}", path.string(), action,
       std::generic_category().message(error));
}

FileDescriptor open_file(const std::filesystem::path& path, int flags, std::string_view action,
                         const std::filesystem::path& shown) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    const int error = errno;
    const std::filesystem::path& name = shown.empty() ? path : shown;
    LQ_CHECK(error != ENOENT || (flags & O_CREAT) != 0, kNotFound, "[io] {}: no such file", name.string());
    fail_errno(name, action, error);
  }
  return FileDescriptor(fd);
}

void write_all(const FileDescriptor& fd, const std::filesystem::path& path, const void* bytes,
               std::size_t size, std::int64_t offset) {
  constexpr std::size_t kPiece = std::size_t{1} << 30;  // Linux writes at most 2 GiB at a time
  const char* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const std::size_t piece = std::min(size, kPiece);
    const ssize_t wrote =
        offset < 0 ? ::write(fd.get(), from, piece) : ::pwrite(fd.get(), from, piece, offset);
    if (wrote < 0) {
      if (errno == EINTR) continue;
      fail_errno(path, "write", errno);
    }
    // A write of nothing is no error to the system, but going on would never end.
    if (wrote == 0) fail_errno(path, "write", ENOSPC);
    from += wrote;
    size -= static_cast<std::size_t>(wrote);
    if (offset >= 0) offset += wrote;
  }
}

void sync_file(const FileDescriptor& fd, const std::filesystem::path& path) {
  while (::fsync(fd.get()) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINVAL || errno == EROFS) return;  // pipes and the like have nothing to sync
    fail_errno(path, "sync", errno);
  }
}

void sync_directory(const std::filesystem::path& directory) {
  const std::filesystem::path where = directory.empty() ? "." : directory;
  const FileDescriptor fd = open_file(where, O_RDONLY | O_DIRECTORY, "open");
  sync_file(fd, where);
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_errno(to, "rename into place", errno);
}

bool try_lock(const FileDescriptor& fd, const std::filesystem::path& path) {
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return false;
    // File systems without locks: go on without one.
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS) return true;
    fail_errno(path, "lock", errno);
  }
  return true;
}

std::string read_file(const std::filesystem::path& path, std::uint64_t limit) {
  const FileDescriptor fd = open_file(path, O_RDONLY, "read");
  std::string text;
  std::size_t used = 0;
  for (;;) {
    // One byte above the limit shows that there is more; buffers double, so a pipe costs no more than a file.
    text.resize(std::min<std::uint64_t>(limit + 1, std::max<std::size_t>(64 * 1024, used * 2)));
    LQ_CHECK(used <= limit, kCorruptFile, "[io] {}: more than {} bytes, which no such file has",
             path.string(), limit);
    const ssize_t got = ::read(fd.get(), text.data() + used, text.size() - used);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail_errno(path, "read", errno);
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  text.resize(used);
  return text;
}

}  // namespace lq
