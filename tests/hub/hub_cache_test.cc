#include "hub/hub_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/io_test_util.h"

namespace lq::hub {
namespace {

using io_test::expect_error;
using io_test::put_file;

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

TEST(HubCache, RefsAndLinksAreThoseOfTheHub) {
  const io_test::TempDir dir;
  const HubCache cache(dir.path(), parse_repository("org/name", "x"));
  EXPECT_FALSE(cache.commit().has_value());
  cache.set_commit(kCommit);
  EXPECT_EQ(cache.commit(), kCommit);
  EXPECT_EQ(io_test::get_file(dir / "models--org--name/refs/main"), kCommit);
  put_file(cache.blob("abc"), "content");
  cache.link(kCommit, "sub/a.txt", "abc");
  cache.link(kCommit, "sub/a.txt", "abc");
  EXPECT_EQ(io_test::get_file(cache.snapshot(kCommit) / "sub" / "a.txt"), "content");
  EXPECT_EQ(std::filesystem::read_symlink(cache.snapshot(kCommit) / "sub" / "a.txt"), "../../../blobs/abc");
  put_file(cache.blob("def"), "newer");
  cache.link(kCommit, "sub/a.txt", "def");
  EXPECT_EQ(io_test::get_file(cache.snapshot(kCommit) / "sub" / "a.txt"), "newer");
  put_file(cache.folder() / "refs" / "main", "junk");
  expect_error(ErrorCode::kCorruptFile, {"refs/main"}, [&] { (void)cache.commit(); });
}

TEST(HubCache, ModelsByTheirNames) {
  const io_test::TempDir dir;
  ::setenv("HF_HUB_CACHE", dir.path().c_str(), 1);
  EXPECT_EQ(default_cache(), dir.path());
  EXPECT_EQ(local_model("some/folder"), "some/folder");
  expect_error(ErrorCode::kNotFound, {"hf:org/name: not in the cache", "lqlora pull org/name"},
               [] { (void)local_model("hf:org/name"); });
  expect_error(ErrorCode::kInvalidArgument, {"names no repository"}, [] { (void)local_model("hf:../x"); });
  const HubCache cache(dir.path(), parse_repository("org/name", "x"));
  cache.set_commit(kCommit);
  put_file(cache.blob("abc"), "{}");
  cache.link(kCommit, "model.gguf", "abc");
  EXPECT_EQ(local_model("hf:org/name"), cache.snapshot(kCommit) / "model.gguf");
  cache.link(kCommit, "config.json", "abc");
  EXPECT_EQ(local_model("hf:org/name"), cache.snapshot(kCommit));
  EXPECT_EQ(local_model(std::string("hf:org/name@") + kCommit), cache.snapshot(kCommit));
  ::unsetenv("HF_HUB_CACHE");
  ::setenv("HF_HOME", "/hf", 1);
  EXPECT_EQ(default_cache(), "/hf/hub");
  ::unsetenv("HF_HOME");
}

}  // namespace
}  // namespace lq::hub
