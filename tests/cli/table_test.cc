#include "cli/table.h"

#include <gtest/gtest.h>

namespace lq::cli {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(format_table({"name", "bits", "note"}, {{"a", "2.5", "x"}, {"longer", "12", ""}}, {0, 2}),
            "name    bits  note\n"
            "------------------\n"
            "a        2.5  x\n"
            "longer    12\n");
}

TEST(Table, NoRowsAndNoColumns) {
  EXPECT_EQ(format_table({"a", "b"}, {}), "a  b\n----\n");
  EXPECT_EQ(format_table({}, {}), "\n\n");
}

}  // namespace
}  // namespace lq::cli
