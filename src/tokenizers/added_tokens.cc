#include "tokenizers/added_tokens.h"

#include <algorithm>

#include "files/json_object.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

bool ends_with_word(std::string_view text) {
  if (text.empty()) return false;
  std::size_t size = 0;
  return unicode::is_word(utf8::decode_valid(text.data() + utf8::previous(text, text.size()), size));
}
bool starts_with_word(std::string_view text) {
  std::size_t size = 0;
  return !text.empty() && unicode::is_word(utf8::decode_valid(text.data(), size));
}

}  // namespace

AddedToken read_added_token(const JsonObject& fields) {
  AddedToken token;
  token.content = fields.text("content");
  token.special = fields.boolean_or("special", false);
  token.single_word = fields.boolean_or("single_word", false);
  token.lstrip = fields.boolean_or("lstrip", false);
  token.rstrip = fields.boolean_or("rstrip", false);
  token.normalized = fields.boolean_or("normalized", !token.special);
  return token;
}

void AddedTokenMatcher::add(const AddedToken& token, const std::string& pattern) {
  if (pattern.empty()) return;
  trie_.insert(pattern, static_cast<std::int32_t>(tokens_.size()));
  tokens_.push_back(token);
  first_byte_[static_cast<unsigned char>(pattern[0])] = true;
}

void AddedTokenMatcher::split(std::string_view text, bool with_special, std::vector<Section>& out) const {
  std::size_t done = 0;  // text before this is in out
  std::size_t at = 0;
  while (at < text.size() && !tokens_.empty()) {
    if (!first_byte_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    std::size_t length = 0;
    const AddedToken* token = nullptr;
    trie_.prefixes(text, at, [&](std::size_t n, std::int32_t value) {
      length = n;
      token = &tokens_[static_cast<std::size_t>(value)];
    });
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    std::size_t end = at + length;
    at = end;  // a match that is refused is passed over whole, too
    if (token->special && !with_special) continue;
    if (token->single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) {
      continue;
    }
    if (begin < done) begin = done;  // inside what the token before it took with its rstrip
    if (token->lstrip) {
      while (begin > done) {
        const std::size_t before = utf8::previous(text, begin);
        std::size_t size = 0;
        if (!unicode::is_white_space(utf8::decode_valid(text.data() + before, size))) break;
        begin = std::max(before, done);
      }
    }
    while (token->rstrip && end < text.size()) {
      std::size_t size = 0;
      if (!unicode::is_white_space(utf8::decode_valid(text.data() + end, size))) break;
      end += size;
    }
    end = std::max(end, done);
    if (done < begin) out.push_back({-1, text.substr(done, begin - done)});
    out.push_back({token->id, text.substr(begin, end - begin)});
    done = end;
  }
  if (done < text.size()) out.push_back({-1, text.substr(done)});
}

}  // namespace lq::tokenizers
