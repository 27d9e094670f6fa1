#include "files/file_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::TempDir;

TEST(FileDescriptor, ClosesOnce) {
  int raw = -1;
  {
    FileDescriptor a = open_file("/dev/null", O_RDONLY, "read");
    raw = a.get();
    FileDescriptor b = std::move(a);
    EXPECT_FALSE(a.open());
    EXPECT_EQ(b.get(), raw);
    FileDescriptor c;
    c = std::move(b);
    EXPECT_GE(::fcntl(raw, F_GETFD), 0);
  }
  EXPECT_LT(::fcntl(raw, F_GETFD), 0);
}

TEST(FileDescriptor, ErrorsNamePathActionAndReason) {
  expect_error(ErrorCode::kNotFound, {"[io] /none/f: no such file"},
               [] { open_file("/none/f", O_RDONLY, "read"); });
  expect_error(ErrorCode::kIo, {"[io] /f: cannot create: No such file or directory"},
               [] { open_file("/none/.f.partial", O_WRONLY | O_CREAT, "create", "/f"); });
  expect_error(ErrorCode::kIo, {"cannot rename into place"}, [] { rename_file("/none/a", "/none/b"); });
  const FileDescriptor full = open_file("/dev/full", O_WRONLY, "write");
  expect_error(ErrorCode::kIo, {"[io] /x: cannot write: No space left on device"},
               [&] { write_all(full, "/x", "a", 1); });
}

TEST(FileDescriptor, ReadsPipesToTheirEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const FileDescriptor read_end(ends[0]);
  const std::string text(300'000, 'z');
  std::thread writer([&] {
    const FileDescriptor write_end(ends[1]);
    write_all(write_end, "pipe", text.data(), text.size());  // many short writes
  });
  const std::string path = fmt::format("/dev/fd/{}", ends[0]);
  EXPECT_EQ(read_file(path, 1'000'000), text);
  writer.join();
}

TEST(FileDescriptor, LimitIsOfBytesRead) {
  const TempDir dir;
  io_test::put_file(dir / "f", std::string(100'000, 'x'));
  EXPECT_EQ(read_file(dir / "f", 100'000).size(), 100'000U);
  expect_error(ErrorCode::kCorruptFile, {"more than 99999 bytes"}, [&] { read_file(dir / "f", 99'999); });
  io_test::put_file(dir / "empty", "");
  EXPECT_EQ(read_file(dir / "empty", 0), "");
}

TEST(FileDescriptor, LocksExcludeOtherOpenings) {
  const TempDir dir;
  const FileDescriptor first = open_file(dir / "lock", O_RDWR | O_CREAT, "create");
  EXPECT_TRUE(try_lock(first, dir / "lock"));
  {
    const FileDescriptor second = open_file(dir / "lock", O_RDWR, "open");
    EXPECT_FALSE(try_lock(second, dir / "lock"));
  }
  EXPECT_TRUE(try_lock(first, dir / "lock"));
}

}  // namespace
}  // namespace lq
