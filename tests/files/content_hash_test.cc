#include "files/content_hash.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lq
