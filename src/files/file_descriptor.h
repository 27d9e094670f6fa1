// An open file, closed at the end of its life, and the system calls on it that this folder needs. Failures
// are Error(kIo): "[io] PATH: cannot write: No space left on device".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lq {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// Throws Error(kIo) "[io] PATH: cannot ACTION: REASON" for the errno value.
[[noreturn]] void fail_errno(const std::filesystem::path& path, std::string_view action, int error);

// open(2) with O_CLOEXEC, mode 0666 and the umask. Throws Error(kNotFound) for a missing file, else
// Error(kIo); messages name `shown` where it is given (the final name of a temporary file).
FileDescriptor open_file(const std::filesystem::path& path, int flags, std::string_view action,
                         const std::filesystem::path& shown = {});
// All of it, through short writes and EINTR. offset < 0: at the file's position.
void write_all(const FileDescriptor& fd, const std::filesystem::path& path, const void* bytes,
               std::size_t size, std::int64_t offset = -1);
void sync_file(const FileDescriptor& fd, const std::filesystem::path& path);
// Makes renames and new names in a directory last.
void sync_directory(const std::filesystem::path& directory);
// rename(2).
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
// False when another open file description holds the lock (flock).
bool try_lock(const FileDescriptor& fd, const std::filesystem::path& path);
// The whole file as text. Throws Error(kNotFound), Error(kIo), or Error(kCorruptFile) above `limit` bytes.
std::string read_file(const std::filesystem::path& path, std::uint64_t limit);

}  // namespace lq
