#include "files/content_hash.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::put_file;
using io_test::TempDir;

TEST(ContentHash, OfFilesAndFolders) {
  const TempDir dir;
  put_file(dir / "a/one.txt", "1");
  put_file(dir / "a/deep/two.txt", "2");
  put_file(dir / "b/one.txt", "1");
  put_file(dir / "b/deep/two.txt", "2");
  EXPECT_EQ(content_hash(dir / "a"), content_hash(dir / "b"));
  EXPECT_EQ(content_hash(dir / "a/one.txt"), content_hash(dir / "b/one.txt"));
  put_file(dir / "b/deep/two.txt", "3");
  EXPECT_NE(content_hash(dir / "a"), content_hash(dir / "b"));
  std::filesystem::rename(dir / "a/one.txt", dir / "a/uno.txt");
  put_file(dir / "b/deep/two.txt", "2");
  EXPECT_NE(content_hash(dir / "a"), content_hash(dir / "b"));
  EXPECT_THROW(content_hash(dir / "none"), Error);
}

TEST(ContentHash, AFolderThatCannotBeReadIsAnError) {
  const TempDir dir;
  ::chmod(dir.path().c_str(), 0755);
  put_file(dir / "a/deep/two.txt", "2");
  ::chmod((dir / "a/deep").c_str(), 0);
  for (const char* path : {"a", "a/deep", "a/deep/two.txt"}) {
    EXPECT_TRUE(io_test::in_child([&] {
      if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
      return io_test::throws(ErrorCode::kIo, {"deep", "Permission denied"},
                             [&] { content_hash(dir / path); });
    })) << path;
  }
  ::chmod((dir / "a/deep").c_str(), 0755);
}

}  // namespace
}  // namespace lq
