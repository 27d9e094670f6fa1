// Tags to nodes.
#include "templates/jinja_parser.h"

#include <gtest/gtest.h>

#include "templates/jinja_bare.h"

namespace lq::jinja {
namespace {

std::vector<Node> nodes_of(const std::string& source) { return parse(source, "t"); }

// "a", "ns.a" or "(a (b c))".
std::string target_shown(const Target& target) {
  if (target.parts.empty())
    return target.member.empty() ? target.names[0] : target.names[0] + "." + target.member;
  std::string out = "(";
  for (const Target& part : target.parts) out.append(out == "(" ? "" : " ").append(target_shown(part));
  return out.append(")");
}

TEST(JinjaParser, TextAndPrintedValuesWithTheirLines) {
  const auto nodes = nodes_of("a\n{{ x }}\n{{ y, 1 }}");
  ASSERT_EQ(nodes.size(), 4U);
  EXPECT_EQ(nodes[0].kind, NodeKind::kText);
  EXPECT_EQ(nodes[0].text, "a\n");
  EXPECT_EQ(nodes[1].kind, NodeKind::kPrint);
  EXPECT_EQ(nodes[1].line, 2);
  EXPECT_EQ(bare::tree(nodes[3].expr.get()), "(tuple y 1)");
  EXPECT_EQ(nodes[3].line, 3);
  EXPECT_TRUE(nodes_of("").empty());
}

TEST(JinjaParser, ElifIsAnIfInsideElse) {
  const auto nodes = nodes_of("{% if a %}1{% elif b %}2{% else %}3{% endif %}");
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(bare::tree(nodes[0].expr.get()), "a");
  EXPECT_EQ(nodes[0].body.at(0).text, "1");
  const Node& second = nodes[0].other.at(0);
  EXPECT_EQ(second.kind, NodeKind::kIf);
  EXPECT_EQ(bare::tree(second.expr.get()), "b");
  EXPECT_EQ(second.body.at(0).text, "2");
  EXPECT_EQ(second.other.at(0).text, "3");
  EXPECT_TRUE(nodes_of("{% if a %}{% endif %}")[0].other.empty());
}

TEST(JinjaParser, Loops) {
  const auto nodes =
      nodes_of("{% for a, (b, c) in x | y if a > 1 recursive %}{% break %}{% else %}e{% endfor %}");
  const Node& loop = nodes.at(0);
  EXPECT_EQ(loop.kind, NodeKind::kFor);
  EXPECT_EQ(target_shown(loop.target), "(a (b c))");
  EXPECT_EQ(bare::tree(loop.expr.get()), "(|y x)");
  EXPECT_EQ(bare::tree(loop.filter.get()), "(a > 1)") << "the if of a loop, not of a value";
  EXPECT_TRUE(loop.recursive);
  EXPECT_EQ(loop.body.at(0).kind, NodeKind::kBreak);
  EXPECT_EQ(loop.other.at(0).text, "e");
  const auto plain = nodes_of("{% for a in 1, 2 %}{% continue %}{% endfor %}");
  EXPECT_EQ(bare::tree(plain[0].expr.get()), "(tuple 1 2)");
  EXPECT_EQ(plain[0].filter, nullptr);
  EXPECT_FALSE(plain[0].recursive);
  EXPECT_EQ(plain[0].body.at(0).kind, NodeKind::kContinue);
}

TEST(JinjaParser, AssignmentsToNamesMembersAndSeveral) {
  EXPECT_EQ(target_shown(nodes_of("{% set a = 1 %}")[0].target), "a");
  EXPECT_EQ(target_shown(nodes_of("{% set ns.a = 1 %}")[0].target), "ns.a");
  const auto several = nodes_of("{% set a, b = 1, 2 %}");
  EXPECT_EQ(target_shown(several[0].target), "(a b)");
  EXPECT_EQ(bare::tree(several[0].expr.get()), "(tuple 1 2)");
  EXPECT_EQ(several[0].kind, NodeKind::kSet);
}

TEST(JinjaParser, AssignmentsOfBlocks) {
  const auto plain = nodes_of("{% set a %}x{% endset %}");
  EXPECT_EQ(plain[0].kind, NodeKind::kSetBlock);
  EXPECT_EQ(plain[0].expr, nullptr);
  EXPECT_EQ(plain[0].body.at(0).text, "x");
  const auto filtered = nodes_of("{% set a | trim | replace('x', 1) %}x{% endset %}");
  EXPECT_EQ(bare::tree(filtered[0].expr.get()), "(|replace (|trim _) 'x' 1)") << "of a value yet to come";
  const auto block = nodes_of("{% filter upper %}x{% endfilter %}");
  EXPECT_EQ(block[0].kind, NodeKind::kFilterBlock);
  EXPECT_EQ(bare::tree(block[0].expr.get()), "(|upper _)");
}

TEST(JinjaParser, MacrosKnowWhatTheyLookAt) {
  const auto nodes = nodes_of("{% macro m(a, b=1) %}{{ varargs }}{{ caller() }}{% endmacro m %}");
  const Node& macro = nodes.at(0);
  EXPECT_EQ(macro.text, "m");
  EXPECT_EQ(macro.target.names, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(macro.defaults.size(), 1U);
  EXPECT_TRUE(macro.uses_varargs && macro.uses_caller);
  EXPECT_FALSE(macro.uses_kwargs);
  const auto inner = nodes_of(
      "{% macro o() %}{% macro i() %}{{ kwargs }}{% endmacro %}{% endmacro %}"
      "{% macro n() %}{% endmacro %}");
  EXPECT_TRUE(inner[0].body.at(0).uses_kwargs);
  EXPECT_FALSE(inner[1].uses_kwargs) << "what the first looked at is not the second's";
}

TEST(JinjaParser, CallsWithAndGenerations) {
  const auto call = nodes_of("{% call(a) m(1) %}x{% endcall %}");
  EXPECT_EQ(call[0].kind, NodeKind::kCallBlock);
  EXPECT_EQ(call[0].target.names, (std::vector<std::string>{"a"}));
  EXPECT_EQ(bare::tree(call[0].expr.get()), "(call m 1)");
  const auto with = nodes_of("{% with a = 1, b = a %}x{% endwith %}");
  EXPECT_EQ(with[0].target.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(bare::tree(with[0].defaults.at(1).get()), "a");
  EXPECT_TRUE(nodes_of("{% with %}{% endwith %}")[0].defaults.empty());
  const auto generation = nodes_of("{% generation %}x{% endgeneration %}");
  EXPECT_EQ(generation[0].kind, NodeKind::kGeneration);
}

TEST(JinjaParser, SaysWhatIsMissingAndWhere) {
  const auto corrupt = [](const std::string& source, std::string_view part) {
    bare::expect_no_parse(ErrorCode::kCorruptFile, part, source);
  };
  corrupt("\n{% if a %}x", "2: expected 'endif'");
  corrupt("{% for a in b %}{% endif %}", "1: expected 'endfor'");
  corrupt("{% endif %}", "1: 'endif' without its beginning");
  corrupt("a{% else %}", "1: 'else' without its beginning");
  corrupt("{% set a b %}", "1: expected '%}', found 'b'");
  corrupt("{% for 1 in b %}", "1: expected a name, found '1'");
  corrupt("{% for a of b %}", "1: expected 'in', found 'of'");
  corrupt("{% macro m(a=1, b) %}", "1: a parameter without default after one with");
  corrupt("{% call m %}{% endcall %}", "1: expected a call");
  corrupt("{{ a", "1: a tag is never closed");
  corrupt("{% if a b %}", "1: expected '%}', found 'b'");
  bare::expect_no_parse(ErrorCode::kUnsupported, "2: the tag 'include'", "\n{% include 'x' %}");
}

TEST(JinjaParser, DepthIsBounded) {
  std::string nested;
  for (int i = 0; i < 70; ++i) nested += "{% if a %}";
  bare::expect_no_parse(ErrorCode::kUnsupported, "nested more than 60 deep", nested);
}

}  // namespace
}  // namespace lq::jinja
