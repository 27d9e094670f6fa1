#include "templates/jinja_lexer.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaLexer, BlanksStringsAndRawTextAreJinjas) { test::expect_goldens("lexer"); }

TEST(JinjaLexer, TokensKnowTheirLines) {
  const auto tokens = tokenize("a\r\n{# c\n #}{{ x\n+ 1.5e3 }}", "t");
  std::vector<int> lines;
  for (const Token& t : tokens) lines.push_back(t.line);
  EXPECT_EQ(lines, (std::vector<int>{1, 3, 3, 4, 4, 4, 4}));
  EXPECT_EQ(tokens[4].text, "1.5e3");
}

}  // namespace
}  // namespace lq::jinja
