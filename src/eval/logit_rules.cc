#include "eval/logit_rules.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace lq {
namespace {

using RuleIds = std::span<const std::int32_t>;

constexpr float kForbidden = -std::numeric_limits<float>::infinity();
constexpr std::int64_t kMostId = std::numeric_limits<std::int32_t>::max();

void set_logit(std::span<float> logits, std::int32_t id, float value) {
  if (id >= 0 && static_cast<std::size_t>(id) < logits.size()) logits[static_cast<std::size_t>(id)] = value;
}

void forbid(std::span<float> logits, std::int32_t id) { set_logit(logits, id, kForbidden); }

void forbid_all(std::span<float> logits, RuleIds ids) {
  for (const std::int32_t id : ids) forbid(logits, id);
}

// Leaves these and no others.
void force(std::span<float> logits, RuleIds ids, std::string_view key) {
  std::ranges::fill(logits, kForbidden);
  for (const std::int32_t id : ids) {
    LQ_CHECK(static_cast<std::size_t>(id) < logits.size(), kMismatch,
             "[generate] generation_config.json: {} is {}, but the model's vocabulary has {} ids", key, id,
             logits.size());
    set_logit(logits, id, 0.0F);
  }
}

// The token that would end a run of n tokens which has been there before.
void forbid_repeated_runs(std::span<float> logits, RuleIds history, std::int64_t size) {
  if (std::ssize(history) < size) return;
  const auto n = static_cast<std::size_t>(size);
  const RuleIds end = history.last(n - 1);
  for (std::size_t at = 0; at + n <= history.size(); ++at) {
    const RuleIds run = history.subspan(at, n);
    if (std::ranges::equal(run.first(n - 1), end)) forbid(logits, run.back());
  }
}

void forbid_bad_words(std::span<float> logits, RuleIds history,
                      const std::vector<std::vector<std::int32_t>>& words, RuleIds ends) {
  for (const std::vector<std::int32_t>& word : words) {
    const RuleIds before = RuleIds(word).first(word.size() - 1);
    // A word that is an end token alone would leave texts without an end.
    if (before.empty() && std::ranges::find(ends, word.back()) != ends.end()) continue;
    if (before.size() > history.size() || !std::ranges::equal(history.last(before.size()), before)) continue;
    forbid(logits, word.back());
  }
}

std::vector<std::int32_t> ids_of(const JsonObject& file, std::string_view key, std::int64_t least) {
  std::vector<std::int32_t> ids;
  for (const std::int64_t id : file.integers(key, least, kMostId)) {
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

std::vector<std::vector<std::int32_t>> words_of(const JsonObject& file, std::string_view key) {
  std::vector<std::vector<std::int32_t>> words;
  if (!file.has(key)) return words;
  const auto& all = file.any(key);
  const auto is_id = [](const auto& id) {
    return id.is_number_integer() && id.template get<std::int64_t>() >= 0 &&
           id.template get<std::int64_t>() <= kMostId;
  };
  const auto is_word = [&](const auto& word) {
    return word.is_array() && !word.empty() && std::all_of(word.begin(), word.end(), is_id);
  };
  LQ_CHECK(all.is_array() && std::all_of(all.begin(), all.end(), is_word), kCorruptFile,
           "{}: '{}': a list of lists of token ids was expected", file.who(), key);
  for (const auto& word : all) words.push_back(word.template get<std::vector<std::int32_t>>());
  return words;
}

}  // namespace

LogitRules LogitRules::read(const JsonObject& file) {
  LogitRules out;
  out.no_repeat_ngram_size = file.integer_or("no_repeat_ngram_size", 0, 0);
  out.bad_words = words_of(file, "bad_words_ids");
  out.min_length = file.integer_or("min_length", 0, 0);
  if (file.has("min_new_tokens")) out.min_new_tokens = file.integer("min_new_tokens", 0);
  if (file.has("forced_bos_token_id")) {
    out.forced_bos = static_cast<std::int32_t>(file.integer("forced_bos_token_id", 0, kMostId));
  }
  out.forced_eos = ids_of(file, "forced_eos_token_id", 0);
  // Some files have -1 for "none" among them: no token has it.
  out.suppress = ids_of(file, "suppress_tokens", -kMostId);
  out.begin_suppress = ids_of(file, "begin_suppress_tokens", -kMostId);
  return out;
}

std::string LogitRules::key() const { return fmt::format("{}", fmt::join(texts(), "; ")); }

std::vector<std::string> LogitRules::texts() const {
  std::vector<std::string> all;
  const auto say = [&all](bool set, std::string_view key, const auto& value) {
    if (set) all.push_back(fmt::format("{} {}", key, value));
  };
  say(no_repeat_ngram_size > 0, "no_repeat_ngram_size", no_repeat_ngram_size);
  say(!bad_words.empty(), "bad_words_ids", bad_words);
  say(min_length > 0 && !min_new_tokens, "min_length", min_length);
  say(min_new_tokens.value_or(0) > 0, "min_new_tokens", min_new_tokens.value_or(0));
  say(forced_bos.has_value(), "forced_bos_token_id", forced_bos.value_or(0));
  say(!forced_eos.empty(), "forced_eos_token_id", forced_eos);
  say(!suppress.empty(), "suppress_tokens", suppress);
  say(!begin_suppress.empty(), "begin_suppress_tokens", begin_suppress);
  return all;
}

void LogitRules::apply(std::span<float> logits, RuleIds history, const TextBounds& bounds,
                       RuleIds ends) const {
  const std::int64_t length = std::ssize(history);
  if (no_repeat_ngram_size > 0) forbid_repeated_runs(logits, history, no_repeat_ngram_size);
  forbid_bad_words(logits, history, bad_words, ends);
  const std::int64_t least = min_new_tokens ? bounds.prompt + *min_new_tokens : min_length;
  if (length < least) forbid_all(logits, ends);
  if (forced_bos && length == 1) force(logits, {&*forced_bos, 1}, "forced_bos_token_id");
  if (!forced_eos.empty() && bounds.most && length == *bounds.most - 1) {
    force(logits, forced_eos, "forced_eos_token_id");
  }
  forbid_all(logits, suppress);
  // Behind a prompt of one token a forced one comes first.
  const std::int64_t begin = bounds.prompt + (bounds.prompt <= 1 && forced_bos ? 1 : 0);
  if (length == begin) forbid_all(logits, begin_suppress);
}

}  // namespace lq
