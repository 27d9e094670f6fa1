// Literals, names and what stands in brackets.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"
#include "templates/jinja_parser.h"

namespace lq::jinja {
namespace {

TEST(JinjaPrimary, WholeNumbers) {
  EXPECT_EQ(bare::parsed("0"), "0");
  EXPECT_EQ(bare::parsed("1_000"), "1000");
  EXPECT_EQ(bare::parsed("0xfF"), "255");
  EXPECT_EQ(bare::parsed("0o17"), "15");
  EXPECT_EQ(bare::parsed("0B101"), "5");
  EXPECT_EQ(bare::parsed("9223372036854775807"), "9223372036854775807");
  bare::expect_no_parse(ErrorCode::kUnsupported, "1: the number 9223372036854775808",
                        "{{ 9223372036854775808 }}");
}

TEST(JinjaPrimary, Floats) {
  EXPECT_EQ(bare::parsed("1.5"), "1.5");
  EXPECT_EQ(bare::parsed("1e3"), "1000.0");
  EXPECT_EQ(bare::parsed("2.5E-3"), "0.0025");
  EXPECT_EQ(bare::parsed("1_0.5"), "10.5");
}

TEST(JinjaPrimary, StringsBesideEachOtherAreOne) {
  EXPECT_EQ(bare::parsed("'a' \"b\"\n'c'"), "'abc'");
  EXPECT_EQ(bare::parsed("''"), "''");
  EXPECT_EQ(bare::parsed("'a\\n'"), "'a\\n'");
}

TEST(JinjaPrimary, NamesOfConstantsBothWays) {
  EXPECT_EQ(bare::parsed("true"), "True");
  EXPECT_EQ(bare::parsed("True"), "True");
  EXPECT_EQ(bare::parsed("false"), "False");
  EXPECT_EQ(bare::parsed("none"), "None");
  EXPECT_EQ(bare::parsed("TRUE"), "TRUE") << "a name like any other";
  EXPECT_EQ(bare::parsed("truely"), "truely");
}

TEST(JinjaPrimary, ParenthesesAndTuples) {
  EXPECT_EQ(bare::parsed("(a)"), "a") << "no tuple";
  EXPECT_EQ(bare::parsed("(a,)"), "(tuple a)");
  EXPECT_EQ(bare::parsed("()"), "(tuple)");
  EXPECT_EQ(bare::parsed("(a, (b, c))"), "(tuple a (tuple b c))");
  EXPECT_EQ(bare::parsed("a, b"), "(tuple a b)");
  EXPECT_EQ(bare::parsed("a,"), "(tuple a)");
}

TEST(JinjaPrimary, ListsAndMappings) {
  EXPECT_EQ(bare::parsed("[]"), "(list)");
  EXPECT_EQ(bare::parsed("[a, 1 + 2,]"), "(list a (+ 1 2))");
  EXPECT_EQ(bare::parsed("{}"), "(mapping)");
  EXPECT_EQ(bare::parsed("{'a': b if c, d: [1],}"), "(mapping 'a' (if b c _) d (list 1))");
}

TEST(JinjaPrimary, SaysWhatWasExpected) {
  const auto corrupt = [](const std::string& source, std::string_view part) {
    bare::expect_no_parse(ErrorCode::kCorruptFile, part, source);
  };
  corrupt("{{ }}", "1: expected a value, found '}}'");
  corrupt("{{ 1 + * }}", "1: expected a value, found '*'");
  corrupt("{% if %}", "1: expected a value, found '%}'");
  corrupt("{{ (a b) }}", "1: expected ')', found 'b'");
  corrupt("{{ [a b] }}", "1: expected ',', found 'b'");
  corrupt("{{ {a} }}", "1: expected ':', found '}'");
  corrupt("\n{{ {'a': 1 'b': 2} }}", "2: expected ',', found 'b'");
}

}  // namespace
}  // namespace lq::jinja
