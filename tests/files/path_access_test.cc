#include "files/path_access.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

namespace fs = std::filesystem;
using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

TEST(PathAccess, WhatIsThereAndWhatIsNot) {
  const TempDir dir;
  put_file(dir / "file", "x");
  fs::create_symlink(dir / "nowhere", dir / "dangling");
  EXPECT_EQ(path_status(dir / "file").type(), fs::file_type::regular);
  EXPECT_EQ(path_status(dir.path()).type(), fs::file_type::directory);
  EXPECT_FALSE(path_exists(dir / "none"));
  EXPECT_FALSE(path_exists(dir / "file/below"));
  EXPECT_FALSE(path_exists(dir / "dangling"));
  expect_error(ErrorCode::kIo, {"aaa"}, [&] { path_exists(dir / std::string(300, 'a')); });
  for (const char* name : {"file", ".", "none"}) EXPECT_NO_THROW(check_readable(dir / name));
}

TEST(PathAccess, WhatIsClosedToUsIsAnErrorAndNotMissing) {
  const TempDir dir;
  ::chmod(dir.path().c_str(), 0755);
  put_file(dir / "closed/file", "x");
  put_file(dir / "secret", "x");
  ::chmod((dir / "closed").c_str(), 0);
  ::chmod((dir / "secret").c_str(), 0);
  const auto refused = [&](const char* what, const auto& call) {
    return io_test::in_child([&] {
      if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
      return io_test::throws(ErrorCode::kIo, {what, "Permission denied"}, call);
    });
  };
  EXPECT_TRUE(refused("closed/file", [&] { path_exists(dir / "closed/file"); }));
  EXPECT_TRUE(refused("closed", [&] { check_readable(dir / "closed"); }));
  EXPECT_TRUE(refused("secret", [&] { check_readable(dir / "secret"); }));
  EXPECT_TRUE(
      refused("closed/file", [&] { with_io_errors([&] { return fs::exists(dir / "closed/file"); }); }));
  ::chmod((dir / "closed").c_str(), 0755);
}

}  // namespace
}  // namespace lq
