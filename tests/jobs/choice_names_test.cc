#include "jobs/choice_names.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

ErrorTable table_with(std::vector<std::string> names) {
  ErrorTable table;
  table.matrices = {{"a", 4, 4}};
  table.bits.assign(names.size(), 3.0);
  table.errors.assign(names.size(), 1.0);
  table.configs = std::move(names);
  return table;
}

TEST(ChoiceNames, TablesAndAllocationsOfUnknownChoicesAreRefusedByName) {
  const io_test::TempDir dir;
  write_error_table(dir / "good.json", table_with({"3,8,fp32,64,256", "int-row 4"}));
  EXPECT_EQ(read_choice_table(dir / "good.json", FormatSet()).configs[1], "int-row 4");
  for (const char* bad : {"7,8,fp32,64,256", "int-row 5", "q9 2", "3,8"}) {
    write_error_table(dir / "bad.json", table_with({"3,8,fp32,64,256", bad}));
    std::ofstream(dir / "choice.json") << R"({"choices": {"a": ")" << bad << R"("}})";
    try {
      read_choice_table(dir / "bad.json", FormatSet());
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_NE(std::string(e.what()).find("bad.json: configs[1]"), std::string::npos) << e.what();
    }
    EXPECT_THROW(read_choice_allocation(dir / "choice.json", FormatSet()), Error) << bad;
  }
}

// A table says of which format it is, so that it is read the same whatever formats its reader thinks of.
TEST(ChoiceNames, TablesNameEveryFormatButNf) {
  const QuantChoice nf{"nf", "3,8,fp32,64,256"}, lm{"lm", "3,8,fp32,64,256"};
  EXPECT_EQ(table_name(nf, FormatSet()), "3,8,fp32,64,256");
  EXPECT_EQ(table_name(lm, FormatSet({"lm"})), "lm 3,8,fp32,64,256");
  EXPECT_EQ(table_name(nf, FormatSet({"nf", "lm"})), "nf 3,8,fp32,64,256");
  const io_test::TempDir dir;
  write_error_table(dir / "old.json", table_with({"3,8,fp32,64,256"}));
  EXPECT_EQ(read_choice_table(dir / "old.json", FormatSet({"lm"})).configs[0], "lm 3,8,fp32,64,256");
  EXPECT_EQ(read_choice_table(dir / "old.json", FormatSet()).configs[0], "3,8,fp32,64,256");
  EXPECT_EQ(pinned_name("nf3", FormatSet({"lm"}), "pin"), "lm 3,8,fp32,64,256");
}

TEST(ChoiceNames, FormatsOfATable) {
  EXPECT_EQ(formats_of({"3,8,fp32,64,256"}).text(), "nf");
  EXPECT_EQ(formats_of({"3,8,fp32,64,256", "int-row 4", "int-row 8"}).text(), "nf,int-row");
  EXPECT_EQ(formats_of({"nf 3,8,fp32,64,256", "lm 3,8,fp32,64,256"}).text(), "nf,lm");
  EXPECT_EQ(formats_of({}).text(), "nf");
}

TEST(ChoiceNames, PinsHaveTheNamesOfTheTable) {
  const FormatSet nf, two({"nf", "lm"});
  EXPECT_EQ(pinned_name("nf3", nf, "pin"), "3,8,fp32,64,256");
  EXPECT_EQ(pinned_name(" 3, 8,fp32,64,256", nf, "pin"), "3,8,fp32,64,256");
  EXPECT_EQ(pinned_name("int-row,4", nf, "pin"), "int-row 4");
  EXPECT_EQ(pinned_name("lm,3", two, "pin"), "lm 3,8,fp32,64,256");
  for (const char* bad : {"nf7", "nf", "", "3,8", "x"})
    EXPECT_THROW(pinned_name(bad, nf, "pin"), Error) << bad;
}

TEST(ChoiceNames, ListsOfChoices) {
  const FormatSet both({"lm", "int-row"});
  EXPECT_EQ(parse_choices({"lean"}, both).size(), 82U);
  EXPECT_EQ(parse_choices({"all"}, FormatSet()).size(), 648U);
  const auto some = parse_choices({"3,8,fp32,64,256", "int-row,4", "lm,3", "int-row 4"}, both);
  ASSERT_EQ(some.size(), 2U);
  EXPECT_EQ(some[0].name(), "lm 3,8,fp32,64,256");
  EXPECT_EQ(some[1].name(), "int-row 4");
  EXPECT_THROW(parse_choices({"lean", "int-row,4"}, both), Error);
  EXPECT_THROW(parse_choices({"nf,4"}, both), Error);
}

TEST(ChoiceNames, JobsNameChoicesAsTablesDo) {
  EXPECT_EQ(
      choices_to_json({parse_choice("nf,3", "test"), parse_choice("int-row,4", "test")}, FormatSet()).dump(),
      R"([[3,8,"fp32",64,256],"int-row 4"])");
}

}  // namespace
}  // namespace lq
