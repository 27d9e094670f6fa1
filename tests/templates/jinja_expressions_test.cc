// Which operators bind how strongly, as in Jinja: shown as trees.
#include <gtest/gtest.h>

#include "templates/jinja_bare.h"
#include "templates/jinja_parser.h"

namespace lq::jinja {
namespace {

TEST(JinjaExpressions, ArithmeticFromTheLeft) {
  EXPECT_EQ(bare::parsed("1 + 2 * 3 - 4"), "(- (+ 1 (* 2 3)) 4)");
  EXPECT_EQ(bare::parsed("1 - 2 - 3"), "(- (- 1 2) 3)");
  EXPECT_EQ(bare::parsed("a / b // c % d"), "(% (// (/ a b) c) d)");
  EXPECT_EQ(bare::parsed("(1 + 2) * 3"), "(* (+ 1 2) 3)");
}

// Not as in Python: a power is taken from the left, and a sign binds more strongly.
TEST(JinjaExpressions, PowersAndSigns) {
  EXPECT_EQ(bare::parsed("2 ** 3 ** 2"), "(** (** 2 3) 2)");
  EXPECT_EQ(bare::parsed("-2 ** 2"), "(** (- 2) 2)");
  EXPECT_EQ(bare::parsed("2 * 3 ** 2"), "(* 2 (** 3 2))");
  EXPECT_EQ(bare::parsed("- - 1"), "(- (- 1))");
}

TEST(JinjaExpressions, TildeBindsBetweenProductsAndSums) {
  EXPECT_EQ(bare::parsed("a ~ b + c ~ d"), "(+ (~ a b) (~ c d))");
  EXPECT_EQ(bare::parsed("a ~ b * c"), "(~ a (* b c))");
}

TEST(JinjaExpressions, LogicAndComparisons) {
  EXPECT_EQ(bare::parsed("a or b and not c"), "(or a (and b (not c)))");
  EXPECT_EQ(bare::parsed("not a == b"), "(not (a == b))");
  EXPECT_EQ(bare::parsed("not not a"), "(not (not a))");
  EXPECT_EQ(bare::parsed("1 < a <= 2 + 3"), "(1 < a <= (+ 2 3))");
  EXPECT_EQ(bare::parsed("a in b and c not in d"), "(and (a in b) (c not in d))");
  EXPECT_EQ(bare::parsed("a != b"), "(a != b)");
}

TEST(JinjaExpressions, InlineIf) {
  EXPECT_EQ(bare::parsed("a if b else c"), "(if a b c)");
  EXPECT_EQ(bare::parsed("a if b"), "(if a b _)");
  EXPECT_EQ(bare::parsed("a if b else c if d else e"), "(if a b (if c d e))");
  EXPECT_EQ(bare::parsed("a or b if c or d else e + 1"), "(if (or a b) (or c d) (+ e 1))");
}

TEST(JinjaExpressions, Filters) {
  EXPECT_EQ(bare::parsed("a | b | c(1)"), "(|c (|b a) 1)");
  EXPECT_EQ(bare::parsed("a + b | c"), "(+ a (|c b))");
  EXPECT_EQ(bare::parsed("-1 | abs"), "(|abs (- 1))");
  EXPECT_EQ(bare::parsed("a.b[0] | c"), "(|c ([] (.b a) 0))");
  EXPECT_EQ(bare::parsed("a | b.c"), "(|b.c a)");
}

TEST(JinjaExpressions, Tests) {
  EXPECT_EQ(bare::parsed("a is defined"), "(is-defined a)");
  EXPECT_EQ(bare::parsed("a is not none and b"), "(and (not (is-none a)) b)");
  EXPECT_EQ(bare::parsed("a is divisibleby 3"), "(is-divisibleby a 3)");
  EXPECT_EQ(bare::parsed("a is divisibleby(3)"), "(is-divisibleby a 3)");
  EXPECT_EQ(bare::parsed("a is eq b.c or d"), "(or (is-eq a (.c b)) d)");
  EXPECT_EQ(bare::parsed("b if a is string else c"), "(if b (is-string a) c)");
}

TEST(JinjaExpressions, MembersItemsAndSlices) {
  EXPECT_EQ(bare::parsed("a.b.c"), "(.c (.b a))");
  EXPECT_EQ(bare::parsed("a.0"), "([] a 0)") << "as the item";
  EXPECT_EQ(bare::parsed("a['b'][-1]"), "([] ([] a 'b') (- 1))");
  EXPECT_EQ(bare::parsed("a[1:2]"), "([:] a 1 2 _)");
  EXPECT_EQ(bare::parsed("a[:]"), "([:] a _ _ _)");
  EXPECT_EQ(bare::parsed("a[::-1]"), "([:] a _ _ (- 1))");
  EXPECT_EQ(bare::parsed("a[1:]"), "([:] a 1 _ _)");
}

TEST(JinjaExpressions, Calls) {
  EXPECT_EQ(bare::parsed("f()"), "(call f)");
  EXPECT_EQ(bare::parsed("f(1, b=2, *c, **d)"), "(call f 1 b=2 *c **d)");
  EXPECT_EQ(bare::parsed("a.f(x)(y).z"), "(.z (call (call (.f a) x) y))");
  EXPECT_EQ(bare::parsed("f(a == b)"), "(call f (a == b))") << "no argument of the name a";
  EXPECT_EQ(bare::parsed("f(a,)"), "(call f a)");
}

TEST(JinjaExpressions, SaysWhatDoesNotFit) {
  const auto corrupt = [](const std::string& source, std::string_view part) {
    bare::expect_no_parse(ErrorCode::kCorruptFile, part, source);
  };
  corrupt("{{ a.'b' }}", "1: expected a name after '.'");
  corrupt("{{ a[1:2:3:4] }}", "1: a slice of more than three parts");
  corrupt("{{ a[1 }}", "1: expected ']', found '}}'");
  corrupt("{{ a | 1 }}", "1: expected a name, found '1'");
  corrupt("{{ a is defined is none }}", "1: a test of a test");
  corrupt("{{ f(a b) }}", "1: expected ',', found 'b'");
  corrupt("{{ a b }}", "1: expected '}}', found 'b'");
  corrupt("{{ a not b }}", "1: expected '}}', found 'not'");
}

TEST(JinjaExpressions, LengthsAreBounded) {
  const auto long_chain = [](const char* link, int times) {
    std::string source = "{{ a";
    for (int i = 0; i < times; ++i) source += link;
    return source.append(" }}");
  };
  EXPECT_EQ(parse(long_chain(" + 1", 500), "t").size(), 1U);
  bare::expect_no_parse(ErrorCode::kUnsupported, "1: more than 500 operators in one expression",
                        long_chain(" + 1", 501));
  bare::expect_no_parse(ErrorCode::kUnsupported, "1: a chain of 60 filters", long_chain("|f", 60));
  bare::expect_no_parse(ErrorCode::kUnsupported, "1: a chain of 60 calls", long_chain(".b", 60));
  EXPECT_EQ(parse(long_chain(".b", 59), "t").size(), 1U);
}

}  // namespace
}  // namespace lq::jinja
