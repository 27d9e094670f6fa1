// Tasks that score a text or what is generated: LAMBADA, WikiText, GSM8K.
#include <algorithm>

#include "eval/tasks/tasks.h"
#include "unicode/case_mapping.h"
#include "unicode/regex.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::tasks {
namespace {

bool is_text_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// "( a )" becomes "(a)", for every pair of marks with none of the closing ones between them.
std::string tightened(const std::string& s, char open, char close) {
  std::string out;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t end = s[at] == open ? s.find(close, at + 1) : std::string::npos;
    if (end == std::string::npos) {
      out += s[at++];
      continue;
    }
    std::size_t from = at + 1;
    std::size_t to = end;
    while (from < to && is_text_space(s[from])) ++from;
    while (to > from && is_text_space(s[to - 1])) --to;
    out += open + s.substr(from, to - from) + close;
    at = end + 1;
  }
  return out;
}

// Runs of whitespace and what stands between them: one more than there are runs, as Python's re.split counts.
std::int64_t count_words(std::string_view text) {
  std::int64_t words = 1;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const utf8::Decoded next = utf8::decode(text, at);
    const bool space = unicode::is_white_space(next.code) || (next.code >= 0x1C && next.code <= 0x1F);
    if (space && !inside) ++words;
    inside = space;
    at += next.size;
  }
  return words;
}

std::string last_match(const Regex& pattern, std::string_view text) {
  std::string found = "[invalid]";
  pattern.for_each(text,
                   [&](std::size_t begin, std::size_t end) { found = text.substr(begin, end - begin); });
  return found;
}

// What is compared: without commas, dollar signs, whatever stands before "#### ", a full stop at the end, and
// in lower case.
std::string gsm8k_plain(std::string text) {
  std::erase(text, ',');
  std::erase(text, '$');
  const std::size_t mark = text.rfind("#### ");
  if (mark != std::string::npos) text.erase(0, mark + 5);
  if (text.ends_with('.')) text.pop_back();
  return unicode::lower(text);
}

}  // namespace

TaskItem lambada_item(const TaskRecord& record) {
  const std::string text = record.text("text");
  const std::size_t space = text.rfind(' ');
  if (space == std::string::npos || space == 0) record.refuse("text", "two words or more");
  TaskItem item;
  item.contexts = {text.substr(0, space)};
  item.choices = {text.substr(space + 1)};
  item.shot = text;
  return item;
}

std::string wikitext_detokenized(std::string_view page) {
  std::string s = replaced(std::string(page), "s '", "s'");
  for (char digit = '0'; digit <= '9'; ++digit) {  // so the harness has it
    s = replaced(s, {'/', '\'', ' ', digit, '/'}, "/'[0-9]/");
  }
  for (const char* mark : {"-", ",", "."}) s = replaced(s, std::string(" @") + mark + "@ ", mark);
  for (const char* mark : {":", ";", ".", "!", "?", ","})
    s = replaced(s, std::string(" ") + mark + " ", std::string(mark) + " ");
  s = tightened(s, '(', ')');
  s = tightened(s, '[', ']');
  s = tightened(s, '{', '}');
  s = tightened(s, '"', '"');
  s = tightened(s, '\'', '\'');
  s = replaced(s, "= = = =", "====");
  s = replaced(s, "= = =", "===");
  s = replaced(s, "= =", "==");
  s = replaced(s, " \u00B0 ", "\u00B0");
  s = replaced(s, " \n", "\n");
  s = replaced(s, "\n ", "\n");
  s = replaced(s, " N ", " 1 ");
  return replaced(s, " 's", "'s");
}

TaskItem wikitext_item(const TaskRecord& record) {
  const std::string page = record.text("page");
  TaskItem item;
  item.text = wikitext_detokenized(page);
  item.words = count_words(page);
  item.bytes = static_cast<std::int64_t>(page.size());
  return item;
}

TaskItem gsm8k_item(const TaskRecord& record) {
  TaskItem item;
  item.contexts = {"Question: " + record.text("question") + "\nAnswer:"};
  item.answer = record.text("answer");
  item.shot = item.contexts[0] + " " + item.answer;
  return item;
}

std::string gsm8k_strict(const std::string& text) {
  static const Regex strict("#### (\\-?[0-9\\.\\,]+)", "gsm8k");
  const auto match = strict.find(text, 0);
  return gsm8k_plain(match ? text.substr(match->first + 5, match->second - match->first - 5) : "[invalid]");
}

ItemScores gsm8k_score(const TaskItem& item, const TaskAnswer& answer) {
  static const Regex flexible("(-?[$0-9.,]{2,})|(-?[0-9]+)", "gsm8k");
  const std::string right = gsm8k_plain(item.answer);
  return {{"exact_match_strict", gsm8k_strict(answer.text) == right ? 1.0 : 0.0},
          {"exact_match_flexible", gsm8k_plain(last_match(flexible, answer.text)) == right ? 1.0 : 0.0}};
}

}  // namespace lq::tasks
