#include "templates/jinja.h"

#include "templates/jinja_goldens.h"

namespace lq {
namespace {

std::string outcome(const std::string& source) {
  try {
    return Jinja(source, "t").render(nlohmann::ordered_json{{"x", 1}, {"s", "a"}, {"l", {1}}});
  } catch (const Error& e) {
    return std::string(e.code() == ErrorCode::kUnsupported ? "unsupported: " : "refused: ") + e.what();
  }
}

TEST(Jinja, WhatIsNotCoveredIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a\n{% import 'm' as m %}", "unsupported: t: line 2: the tag 'import'"},
      {"{% extends 'b' %}", "the tag 'extends'"},
      {"{% do l.append(1) %}", "the tag 'do'"},
      {"{{ s | urlize }}", "unsupported: t: line 1: the filter 'urlize'"},
      {"{{ s.encode('utf-8') }}", "unsupported: t: line 1: the method 'encode' of text"},
      {"{{ cycler(1) }}", "unsupported: t: line 1: a function"},
      {"{{ 9223372036854775807 + x }}", "unsupported: t: line 1: whole numbers of more than 64 bits"},
      {"{{ l | map('string') }}", "unsupported: chat template: prints a generator"},
      {"{{ '\\N{BULLET}' }}", "unsupported: t: line 1: a character by its name"},
      {"{{ 's' * 100000000 }}", "unsupported: t: line 1: a value repeated"},
      {"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "runs away"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "calls nested more than"},
      {"{{ " + std::string(500, '(') + "1" + std::string(500, ')') + " }}", "nested more than"},
      {"{{ 1" + std::string(2000, '+') + "1 }}", "nested more than"},
      {"{{ range(1000000) }}", "refused: t: line 1: Range too big"},
  };
  for (const auto& [source, part] : cases) {
    EXPECT_NE(outcome(source).find(part), std::string::npos)
        << source.substr(0, 60) << ": " << outcome(source);
  }
}

TEST(Jinja, TracesMessagesAndGenerations) {
  const Jinja jinja(
      "{% for m in messages %}<{{ m.c }}>{% if m.a %}{% generation %}{{ m.c * 2 }}{% endgeneration %}{% "
      "endif %}{% endfor %}",
      "t");
  const nlohmann::ordered_json variables = {{"messages", {{{"c", "x"}}, {{"c", "yy"}, {"a", true}}}}};
  RenderTrace trace;
  EXPECT_EQ(jinja.render(variables, {}, &trace), "<x><yy>yyyy");
  ASSERT_EQ(trace.turns.size(), 2U);
  EXPECT_EQ(trace.turns[1].begin, 3U);
  EXPECT_EQ(trace.turns[1].end, 11U);
  EXPECT_EQ(trace.turns[1].message, 1);
  ASSERT_EQ(trace.generations.size(), 1U);
  EXPECT_EQ(trace.generations[0].begin, 7U);
  EXPECT_EQ(trace.generations[0].message, 1);
  EXPECT_TRUE(jinja.has_generation());
  EXPECT_FALSE(trace.hidden);
  RenderTrace apart;
  Jinja("{% macro m() %}{% generation %}x{% endgeneration %}{% endmacro %}{{ m() }}", "t")
      .render(variables, {}, &apart);
  EXPECT_TRUE(apart.hidden);
}

}  // namespace
}  // namespace lq
