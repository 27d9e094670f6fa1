#include "files/folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

TEST(Folder, OnDiskItIsTheFilesThatAreThere) {
  const TempDir dir;
  put_file(dir / "b.json", "{}");
  put_file(dir / "a.txt", "hello");
  std::filesystem::create_directory(dir / "sub");
  const Folder folder = dir.path();
  EXPECT_FALSE(folder.in_memory());
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.txt", "b.json"}));
  EXPECT_TRUE(folder.has("a.txt"));
  EXPECT_FALSE(folder.has("c"));
  EXPECT_EQ(folder.read("a.txt", 5), "hello");
  EXPECT_EQ(folder.who("a.txt"), (dir / "a.txt").string());
  expect_error(ErrorCode::kCorruptFile, {"a.txt"}, [&] { (void)folder.read("a.txt", 4); });
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { (void)folder.read("none", 4); });
  expect_error(ErrorCode::kIo, {"nowhere"}, [&] { (void)Folder(dir / "nowhere").names(); });
}

TEST(Folder, OneThatIsClosedToUsIsAnErrorAndNotEmpty) {
  const TempDir dir;
  ::chmod(dir.path().c_str(), 0755);
  put_file(dir / "closed/a.txt", "hello");
  ::chmod((dir / "closed").c_str(), 0);
  const Folder folder = dir / "closed";
  EXPECT_TRUE(io_test::in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {"closed", "Permission denied"}, [&] { (void)folder.names(); }) &&
           io_test::throws(ErrorCode::kIo, {"closed", "Permission denied"},
                           [&] { (void)folder.has("a.txt"); });
  }));
  ::chmod((dir / "closed").c_str(), 0755);
}

TEST(Folder, InMemoryItIsTheTextsItWasMadeOf) {
  const Folder folder("m.gguf", {{"x.json", "[1]"}, {"a.txt", ""}});
  EXPECT_TRUE(folder.in_memory());
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.txt", "x.json"}));
  EXPECT_EQ(folder.read("x.json", 3), "[1]");
  EXPECT_EQ(folder.who("x.json"), "m.gguf (x.json)");
  expect_error(ErrorCode::kNotFound, {"m.gguf", "y.json"}, [&] { (void)folder.read("y.json", 3); });
  expect_error(ErrorCode::kCorruptFile, {"m.gguf (x.json)", "3 bytes"},
               [&] { (void)folder.read("x.json", 2); });
}

}  // namespace
}  // namespace lq
