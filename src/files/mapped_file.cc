#include "files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "files/file_descriptor.h"

namespace lq {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const FileDescriptor fd = open_file(path, O_RDONLY, "read");
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) fail_errno(path, "read", errno);
  LQ_CHECK(S_ISREG(info.st_mode), kIo, "[io] {}: not a regular file", path.string());
  size_ = static_cast<std::uint64_t>(info.st_size);
  if (size_ == 0) return;
  void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (at == MAP_FAILED) fail_errno(path, "map", errno);
  data_ = static_cast<const std::byte*>(at);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace lq
