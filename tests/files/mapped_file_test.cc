#include "files/mapped_file.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(MappedFile, MapsTheWholeAndMoves) {
  const io_test::TempDir dir;
  io_test::put_file(dir / "f", "content");
  MappedFile a(dir / "f");
  EXPECT_EQ(a.text(), "content");
  MappedFile b = std::move(a);
  EXPECT_EQ(a.size(), 0U);
  EXPECT_EQ(b.text(), "content");
  a = std::move(b);
  EXPECT_EQ(a.text(), "content");
  io_test::put_file(dir / "empty", "");
  EXPECT_EQ(MappedFile(dir / "empty").size(), 0U);
  EXPECT_EQ(MappedFile(dir / "empty").text(), "");
}

TEST(MappedFile, RefusesWhatCannotBeMapped) {
  const io_test::TempDir dir;
  io_test::expect_error(ErrorCode::kNotFound, {"none"}, [&] { MappedFile f(dir / "none"); });
  io_test::expect_error(ErrorCode::kIo, {"regular"}, [&] { MappedFile f(dir.path()); });
}

}  // namespace
}  // namespace lq
