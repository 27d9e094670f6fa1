#include "files/output_lock.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

TEST(OutputLock, IsHeldByOneAndNamesIt) {
  const TempDir dir;
  const auto file = dir / "work/lock";
  const std::string pid = fmt::format("{}", ::getpid());
  {
    const OutputLock lock = OutputLock::take(file, dir / "out");
    EXPECT_TRUE(lock.held());
    EXPECT_EQ(io_test::get_file(file), pid + "\n");
    expect_error(ErrorCode::kIo,
                 {(dir / "out").string() + ": another process is writing it (pid " + pid + ")"},
                 [&] { OutputLock::take(file, dir / "out"); });
  }
  EXPECT_TRUE(OutputLock::take(file, dir / "out").held());
  EXPECT_FALSE(OutputLock().held());
}

TEST(OutputLock, AnOlderProgramsLockHasNoNumber) {
  const TempDir dir;
  const auto file = dir / "lock";
  for (const char* content : {"", "not a number", "12x\n"}) {
    const OutputLock lock = OutputLock::take(file, dir / "out");
    put_file(file, content);
    expect_error(ErrorCode::kIo, {"another process is writing it"},
                 [&] { OutputLock::take(file, dir / "out"); });
    try {
      OutputLock::take(file, dir / "out");
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find("pid"), std::string::npos) << e.what();
    }
  }
}

TEST(OutputLock, DiesWithItsProcess) {
  const TempDir dir;
  const auto file = dir / "lock";
  EXPECT_TRUE(io_test::in_child([&] {
    static OutputLock lock = OutputLock::take(file, dir / "out");
    return lock.held();
  }));
  EXPECT_TRUE(OutputLock::take(file, dir / "out").held());
}

}  // namespace
}  // namespace lq
