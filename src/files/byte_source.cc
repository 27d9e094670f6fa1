#include "files/byte_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "files/file_descriptor.h"
#include "files/path_access.h"

namespace lq {
namespace {

constexpr std::size_t kReadBuffer = std::size_t{1} << 17;

class FileBytes final : public ByteSource {
 public:
  explicit FileBytes(const std::filesystem::path& path)
      : path_(path), file_(open_file(path, O_RDONLY, "open")), buffer_(kReadBuffer, '\0') {}

  std::string_view next() override {
    for (;;) {
      const ssize_t n = ::read(file_.get(), buffer_.data(), buffer_.size());
      if (n >= 0) return std::string_view(buffer_).substr(0, static_cast<std::size_t>(n));
      if (errno != EINTR) fail_errno(path_, "read", errno);
    }
  }

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  std::string buffer_;
};

class MemoryBytes final : public ByteSource {
 public:
  MemoryBytes(std::string_view bytes, std::size_t piece) : left_(bytes), piece_(piece) {}
  std::string_view next() override {
    const std::string_view out = left_.substr(0, piece_);
    left_.remove_prefix(out.size());
    return out;
  }

 private:
  std::string_view left_;
  std::size_t piece_;
};

class HeadThenRest final : public ByteSource {
 public:
  HeadThenRest(std::string head, std::unique_ptr<ByteSource> rest)
      : head_(std::move(head)), rest_(std::move(rest)) {}
  std::string_view next() override {
    if (!std::exchange(head_given_, true) && !head_.empty()) return head_;
    return rest_->next();
  }

 private:
  std::string head_;
  std::unique_ptr<ByteSource> rest_;
  bool head_given_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> open_raw_bytes(const std::filesystem::path& path) {
  const std::filesystem::file_status status = path_status(path);
  LQ_CHECK(!std::filesystem::is_directory(status), kInvalidArgument, "{}: a folder, where a file is expected",
           path.string());
  LQ_CHECK(std::filesystem::exists(status), kNotFound, "{}: no such file", path.string());
  return std::make_unique<FileBytes>(path);
}

std::unique_ptr<ByteSource> bytes_in_memory(std::string_view bytes, std::size_t piece) {
  return std::make_unique<MemoryBytes>(bytes, piece);
}

std::unique_ptr<ByteSource> bytes_after(std::string head, std::unique_ptr<ByteSource> rest) {
  return std::make_unique<HeadThenRest>(std::move(head), std::move(rest));
}

std::string take_head(ByteSource& source, std::size_t wanted) {
  std::string head;
  while (head.size() < wanted) {
    const std::string_view more = source.next();
    if (more.empty()) break;
    head += more;
  }
  return head;
}

}  // namespace lq
