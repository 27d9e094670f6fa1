#include "hub/repository.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq::hub {
namespace {

using io_test::expect_error;

TEST(Repository, Names) {
  const Repository r = parse_repository("org/name-1.0", "x");
  EXPECT_EQ(r.path(), "org/name-1.0");
  EXPECT_EQ(r.folder(), "models--org--name-1.0");
  EXPECT_EQ(r.revision, "main");
  EXPECT_EQ(parse_repository("gpt2@refs/pr/3", "x").text(), "gpt2@refs/pr/3");
  const Repository data = parse_repository("datasets/org/name@v1", "x");
  EXPECT_TRUE(data.dataset);
  EXPECT_EQ(data.path(), "datasets/org/name");
  EXPECT_EQ(data.folder(), "datasets--org--name");
  for (const char* bad :
       {"", "/", "a/b/c", "../x", "a/..", "a b", "a/b@", "a/b@../x", "-a/b", "a/b?c", "https://x/y"}) {
    expect_error(ErrorCode::kInvalidArgument, {"pull: \"", "names no repository"},
                 [&] { parse_repository(bad, "pull"); });
  }
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("main"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
}

TEST(Repository, FilesLieInsideTheFolder) {
  for (const char* good :
       {"config.json", "a/b/c.txt", ".gitattributes", "model-00001-of-00002.safetensors"}) {
    check_file_name(good, "x");
  }
  for (const char* bad :
       {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\\b", "a?b", "a b", "a%2fb", "\x7f"}) {
    expect_error(ErrorCode::kCorruptFile, {"x: the file name"}, [&] { check_file_name(bad, "x"); });
  }
}

}  // namespace
}  // namespace lq::hub
