#include "files/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::get_file;
using io_test::put_file;
using io_test::TempDir;

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const TempDir dir;
  put_file(dir / "f", "old");
  {
    AtomicFile file(dir / "f");
    file.write("new content");
    EXPECT_EQ(get_file(dir / "f"), "old");
  }
  EXPECT_EQ(get_file(dir / "f"), "old");
  EXPECT_EQ(io_test::names_below(dir.path()), std::set<std::string>{"f"});
  AtomicFile file(dir / "f");
  file.reserve(11);
  file.write_at(4, "content", 7);
  file.write("new ");
  file.commit();
  EXPECT_EQ(get_file(dir / "f"), "new content");
  EXPECT_EQ(io_test::names_below(dir.path()), std::set<std::string>{"f"});
}

TEST(AtomicFile, TakesOverWhatAKilledWriterLeft) {
  const TempDir dir;
  put_file(dir / ".f.partial", "a long and stale beginning");
  write_file_atomically(dir / "f", "x");
  EXPECT_EQ(get_file(dir / "f"), "x");
  EXPECT_EQ(io_test::names_below(dir.path()), std::set<std::string>{"f"});
}

TEST(AtomicFile, TwoWritersOfOneNameAreRefused) {
  const TempDir dir;
  AtomicFile first(dir / "f");
  expect_error(ErrorCode::kIo, {(dir / "f").string(), "another process"},
               [&] { AtomicFile second(dir / "f"); });
  first.write("1");
  first.commit();
  EXPECT_EQ(get_file(dir / "f"), "1");
  EXPECT_NO_THROW(AtomicFile third(dir / "f"));
}

TEST(AtomicFile, FollowsLinksAndWritesDevicesDirectly) {
  const TempDir dir;
  put_file(dir / "real/f", "old");
  std::filesystem::create_symlink(dir / "real/f", dir / "link");
  write_file_atomically(dir / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "link"));
  EXPECT_EQ(get_file(dir / "real/f"), "new");
  write_file_atomically("/dev/null", "gone");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  expect_error(ErrorCode::kIo, {"/dev/full", "No space left on device"},
               [] { write_file_atomically("/dev/full", "no room"); });
  AtomicFile null("/dev/null");
  expect_error(ErrorCode::kIo, {"/dev/null", "regular"}, [&] { null.write_at(0, "x", 1); });
}

TEST(AtomicFile, SaysWhyItCannotWrite) {
  const TempDir dir;
  put_file(dir / "file", "");
  expect_error(ErrorCode::kIo, {"file/f", "Not a directory"}, [&] { AtomicFile f(dir / "file/f"); });
  expect_error(ErrorCode::kIo, {"none/f", "No such file"}, [&] { AtomicFile f(dir / "none/f"); });
  expect_error(ErrorCode::kIo, {"is a directory"}, [&] { AtomicFile f(dir.path()); });
  expect_error(ErrorCode::kIo, {"name was expected"}, [&] { AtomicFile f(""); });
}

TEST(AtomicFile, NoPermissionIsOneClearLine) {
  const TempDir dir;
  ::chmod(dir.path().c_str(), 0555);
  EXPECT_TRUE(io_test::in_child([&] {
    // Root may write anywhere: become nobody.
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {(dir / "f").string(), "Permission denied"},
                           [&] { write_file_atomically(dir / "f", "x"); });
  }));
  ::chmod(dir.path().c_str(), 0755);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(AtomicFile, AWriteThatFailsHalfwayLeavesNothing) {
  const TempDir dir;
  EXPECT_TRUE(io_test::in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100, 100};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {(dir / "f").string(), "File too large"},
                           [&] { write_file_atomically(dir / "f", std::string(150, 'x')); });
  }));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(AtomicFile, CopiesBytes) {
  const TempDir dir;
  const std::string bytes(3'000'000, 'q');
  put_file(dir / "a", bytes);
  copy_file_atomically(dir / "a", dir / "b");
  EXPECT_EQ(get_file(dir / "b"), bytes);
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { copy_file_atomically(dir / "none", dir / "c"); });
}

}  // namespace
}  // namespace lq
