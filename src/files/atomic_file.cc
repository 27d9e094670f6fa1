#include "files/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/error.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

// Opens and locks the temporary file. Another writer may rename it away between open and lock: then the lock
// is on a file that is no longer under the name, and the next try makes a new one.
FileDescriptor open_partial(const fs::path& partial, const fs::path& path) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    FileDescriptor fd = open_file(partial, O_RDWR | O_CREAT | O_NOFOLLOW, "create", path);
    LQ_CHECK(try_lock(fd, path), kIo, "[io] {}: another process is writing it", path.string());
    struct stat mine {};
    struct stat there {};
    if (::fstat(fd.get(), &mine) == 0 && ::stat(partial.c_str(), &there) == 0 &&
        mine.st_ino == there.st_ino && mine.st_dev == there.st_dev) {
      if (::ftruncate(fd.get(), 0) != 0) fail_errno(path, "create", errno);
      return fd;
    }
  }
  fail(ErrorCode::kIo, "[io] {}: its temporary file {} keeps changing", path.string(), partial.string());
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), target_(path_) {
  LQ_CHECK(path_.has_filename(), kIo, "[io] '{}': a file's name was expected", path_.string());
  std::error_code ignored;
  if (fs::is_symlink(target_, ignored)) {
    const fs::path real = fs::weakly_canonical(target_, ignored);
    if (!real.empty()) target_ = real;
  }
  const fs::file_status status = fs::status(target_, ignored);
  LQ_CHECK(!fs::is_directory(status), kIo, "[io] {}: cannot write: it is a directory", path_.string());
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fd_ = open_file(target_, O_WRONLY, "write");
    return;
  }
  const fs::path partial = target_.parent_path() / fmt::format(".{}.partial", target_.filename().string());
  fd_ = open_partial(partial, path_);
  partial_ = partial;
}

AtomicFile::~AtomicFile() {
  if (fd_.open() && !partial_.empty()) ::unlink(partial_.c_str());
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      partial_(std::exchange(other.partial_, {})),
      fd_(std::move(other.fd_)) {}

void AtomicFile::reserve(std::uint64_t bytes) {
  if (partial_.empty() || bytes == 0) return;
  const auto size = static_cast<off_t>(bytes);
  while (::fallocate(fd_.get(), 0, 0, size) != 0) {
    if (errno == EINTR) continue;
    // File systems that cannot reserve: the size alone, so that holes read as zeros.
    if (errno != EOPNOTSUPP && errno != ENOSYS) fail_errno(path_, "reserve space", errno);
    if (::ftruncate(fd_.get(), size) != 0) fail_errno(path_, "reserve space", errno);
    return;
  }
}

void AtomicFile::write(const void* bytes, std::size_t size) { write_all(fd_, path_, bytes, size); }

void AtomicFile::write_at(std::uint64_t offset, const void* bytes, std::size_t size) {
  LQ_CHECK(!partial_.empty(), kIo, "[io] {}: cannot write: a regular file is needed", path_.string());
  write_all(fd_, path_, bytes, size, static_cast<std::int64_t>(offset));
}

void AtomicFile::commit() {
  sync_file(fd_, path_);
  if (!partial_.empty()) {
    rename_file(partial_, target_);
    partial_.clear();
    sync_directory(target_.parent_path());
  }
  fd_.reset();
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void copy_file_atomically(const fs::path& from, const fs::path& to) {
  const FileDescriptor source = open_file(from, O_RDONLY, "read");
  AtomicFile file(to);
  std::vector<char> buffer(std::size_t{1} << 20);
  for (;;) {
    const ssize_t got = ::read(source.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno(from, "read", errno);
    if (got == 0) break;
    file.write(buffer.data(), static_cast<std::size_t>(got));
  }
  file.commit();
}

}  // namespace lq
