// Cuts a Jinja template into text, tags and their tokens; white space control is done here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lq::jinja {

enum class TokenKind {
  kText,
  kOpenBlock,
  kCloseBlock,
  kOpenExpression,
  kCloseExpression,
  kName,
  kString,
  kNumber,
  kOperator,
  kEnd
};

struct Token {
  TokenKind kind;
  std::string text;  // of kText and kString as it is meant, of the others as it is written
  int line;
};

// Ends with one kEnd. Throws kCorruptFile (unclosed tags and strings, characters that begin no token).
std::vector<Token> tokenize(std::string_view source, const std::string& who);

}  // namespace lq::jinja
