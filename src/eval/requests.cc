#include "eval/requests.h"

#include <algorithm>

#include "base/error.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

// Where the whitespace at the end of a text begins.
std::size_t end_of_words(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const utf8::Decoded next = utf8::decode(text, at);
    at += next.size;
    if (!unicode::is_white_space(next.code) && !(next.code >= 0x1C && next.code <= 0x1F)) end = at;
  }
  return end;
}

std::vector<std::int32_t> encode(const Tokenizer& tokenizer, std::string_view text) {
  // A text that begins with the special token already is not given another.
  const std::int32_t prefix[] = {prefix_token(tokenizer)};
  const std::string mark = tokenizer.decode(prefix, false);
  return tokenizer.encode(text, mark.empty() || !text.starts_with(mark));
}

}  // namespace

std::int32_t prefix_token(const Tokenizer& tokenizer) {
  const auto id = tokenizer.bos_id() ? tokenizer.bos_id() : tokenizer.eos_id();
  LQ_CHECK(id.has_value(), kInvalidArgument,
           "[tasks] the tokenizer names neither BOS nor EOS: nothing can stand before a text");
  return *id;
}

std::vector<std::int32_t> prompt_ids(const Tokenizer& tokenizer, std::string_view text) {
  std::string mark;
  if (const auto bos = tokenizer.bos_id()) mark = tokenizer.decode({&*bos, 1}, false);
  return tokenizer.encode(text, mark.empty() || !text.starts_with(mark));
}

LikelihoodRequest likelihood_request(const Tokenizer& tokenizer, std::string_view context,
                                     std::string_view continuation, std::int64_t max_length) {
  LikelihoodRequest r;
  const std::size_t words = end_of_words(context);
  const std::string moved = std::string(context.substr(words)) + std::string(continuation);
  if (context.empty()) {
    std::vector<std::int32_t> ids = tokenizer.encode(continuation, false);
    const std::int32_t prefix = prefix_token(tokenizer);
    if (ids.empty() || ids.front() != prefix) ids.insert(ids.begin(), prefix);
    r.scored = std::ssize(ids) - 1;
    r.ids = std::move(ids);
  } else {
    const std::string before(context.substr(0, words));
    r.ids = encode(tokenizer, before);
    const std::vector<std::int32_t> whole = encode(tokenizer, before + moved);
    const auto from = std::min(r.ids.size(), whole.size());
    r.scored = static_cast<std::int64_t>(whole.size() - from);
    r.ids.insert(r.ids.end(), whole.begin() + static_cast<std::ptrdiff_t>(from), whole.end());
  }
  LQ_CHECK(r.scored > 0 && r.scored < std::ssize(r.ids), kInvalidArgument,
           "[tasks] the answer '{}' has no token of its own behind its question", continuation);
  LQ_CHECK(r.scored <= max_length, kInvalidArgument,
           "[tasks] an answer of {} tokens is longer than the model's {}", r.scored, max_length);
  if (std::ssize(r.ids) > max_length + 1) {
    r.ids.erase(r.ids.begin(), r.ids.end() - (max_length + 1));
    r.truncated = true;
  }
  return r;
}

std::vector<LikelihoodRequest> rolling_requests(const Tokenizer& tokenizer, std::string_view text,
                                                std::int64_t max_length) {
  std::vector<std::int32_t> ids = encode(tokenizer, text);
  ids.insert(ids.begin(), prefix_token(tokenizer));
  const std::int64_t count = std::ssize(ids);
  std::vector<LikelihoodRequest> all;
  // Every window is as long as the model allows: the last one has more context, not fewer tokens.
  for (std::int64_t done = 1; done < count;) {
    const std::int64_t end = std::min(count, done + max_length);
    const std::int64_t begin = std::max<std::int64_t>(0, end - max_length - 1);
    all.push_back({{ids.begin() + begin, ids.begin() + end}, end - done, false});
    done = end;
  }
  return all;
}

}  // namespace lq
