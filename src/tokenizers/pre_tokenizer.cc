#include "tokenizers/pre_tokenizer.h"

#include "base/error.h"
#include "files/json_object.h"
#include "tokenizers/byte_level.h"
#include "tokenizers/pattern.h"
#include "tokenizers/split_behavior.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/unicode_scripts.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

// A step that cuts each word by itself: cut(text, stretches) covers text with stretches.
template <typename Cut>
class Cutter final : public PreTokenizer {
 public:
  Cutter(Cut cut, SplitBehavior behavior, bool invert)
      : cut_(std::move(cut)), behavior_(behavior), invert_(invert) {}
  void apply(WordList& list) const override {
    std::vector<WordList::Word> out;
    out.reserve(list.words.size() * 2);
    std::vector<Stretch> stretches;
    for (const auto& word : list.words) {
      stretches.clear();
      cut_(word.text, stretches);
      for (Stretch& s : stretches) s.match = s.match != invert_;
      apply_behavior(behavior_, stretches);
      for (const Stretch& s : stretches) {
        if (s.match || s.begin == s.end) continue;
        out.push_back({word.text.substr(s.begin, s.end - s.begin), word.at_start && s.begin == 0});
      }
    }
    list.words = std::move(out);
  }

 private:
  Cut cut_;
  SplitBehavior behavior_;
  bool invert_;
};

template <typename Cut>
std::unique_ptr<PreTokenizer> cutter(Cut cut, SplitBehavior behavior, bool invert = false) {
  return std::make_unique<Cutter<Cut>>(std::move(cut), behavior, invert);
}

// Stretches of the matches that for_each(text, visit) reports.
template <typename ForEach>
void cover(std::string_view text, std::vector<Stretch>& out, const ForEach& for_each) {
  std::size_t done = 0;
  for_each(text, [&](std::size_t begin, std::size_t end) {
    if (begin > done) out.push_back({done, begin, false});
    out.push_back({begin, end, true});
    done = end;
  });
  if (done < text.size()) out.push_back({done, text.size(), false});
}

// Every character for which is_match holds is a match of its own.
template <typename IsMatch>
auto by_character(IsMatch is_match) {
  return [is_match](std::string_view text, std::vector<Stretch>& out) {
    cover(text, out, [&](std::string_view t, const auto& visit) {
      for (std::size_t at = 0; at < t.size();) {
        std::size_t size = 0;
        if (is_match(utf8::decode_valid(t.data() + at, size))) visit(at, at + size);
        at += size;
      }
    });
  };
}

auto by_pattern(Pattern pattern) {
  return [pattern](std::string_view text, std::vector<Stretch>& out) {
    cover(text, out, [&](std::string_view t, const auto& visit) { pattern.for_each(t, visit); });
  };
}

// \w+|[^\w\s]+ : runs of word characters and runs of the others but white space.
void cut_words(std::string_view text, std::vector<Stretch>& out) {
  const auto kind = [&](std::size_t at, std::size_t& size) {
    const char32_t c = utf8::decode_valid(text.data() + at, size);
    return unicode::is_word(c) ? 1 : unicode::is_white_space(c) ? 2 : 3;
  };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    const int first = kind(at, size);
    std::size_t end = at + size;
    while (end < text.size() && kind(end, size) == first) end += size;
    out.push_back({at, end, first == 2});
    at = end;
  }
}

// Chunks of `length` characters.
auto by_length(std::int64_t length) {
  return [length](std::string_view text, std::vector<Stretch>& out) {
    std::size_t begin = 0;
    std::int64_t count = 0;
    for (std::size_t at = 0; at < text.size();) {
      at += utf8::size_of(text[at]);
      if (++count < length && at < text.size()) continue;
      out.push_back({begin, at, false});
      begin = at;
      count = 0;
    }
  };
}

// Before every character of another script than the last that had one. What comes before the first such
// character is lost, as in Hugging Face's.
void cut_scripts(std::string_view text, std::vector<Stretch>& out) {
  int last = kAnyScript;
  std::size_t begin = std::string_view::npos;
  for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
    const int script = script_of(utf8::decode_valid(text.data() + at, size));
    if (script == kAnyScript || script == last) continue;
    last = script;
    out.push_back({begin == std::string_view::npos ? 0 : begin, at, begin == std::string_view::npos});
    if (out.back().begin == out.back().end) out.pop_back();
    begin = at;
  }
  const bool none = begin == std::string_view::npos;
  out.push_back({none ? 0 : begin, text.size(), none});
}

// A step that rewrites each word: rewrite(word) -> string.
template <typename Function>
class Rewriter final : public PreTokenizer {
 public:
  explicit Rewriter(Function function) : function_(std::move(function)) {}
  void apply(WordList& list) const override {
    for (auto& word : list.words) word.text = list.store.emplace_back(function_(word));
  }

 private:
  Function function_;
};
template <typename Function>
std::unique_ptr<PreTokenizer> rewriter(Function function) {
  return std::make_unique<Rewriter<Function>>(std::move(function));
}

class Builder {
 public:
  Builder(bool model_reads_bytes, const std::string& who) : bytes_(model_reads_bytes), who_(who) {}

  void add(const JsonObject& spec, bool last, int depth) {
    LQ_CHECK(depth < kMaxSequenceDepth, kCorruptFile, "{}: pre-tokenizers nested more than {} deep", who_,
             kMaxSequenceDepth);
    const std::string type = spec.text("type");
    if (type == "Sequence") {
      const std::vector<JsonObject> list = spec.required_sections("pretokenizers");
      for (std::size_t i = 0; i < list.size(); ++i) add(list[i], last && i + 1 == list.size(), depth + 1);
    } else if (type == "ByteLevel") {
      add_byte_level(spec, last);
    } else if (type == "Split") {
      add_split(spec);
    } else if (type == "Metaspace") {
      add_metaspace(spec);
    } else if (type == "Whitespace") {
      push(cutter(cut_words, SplitBehavior::kRemoved));
    } else if (type == "WhitespaceSplit") {
      push(cutter(by_character(unicode::is_white_space), SplitBehavior::kRemoved));
    } else if (type == "Punctuation") {
      push(cutter(by_character(unicode::is_bert_punctuation),
                  parse_behavior(spec.text_or("behavior", "Isolated"), who_)));
    } else if (type == "Digits") {
      const bool each = spec.boolean_or("individual_digits", false);
      push(cutter(by_character(unicode::is_number),
                  each ? SplitBehavior::kIsolated : SplitBehavior::kContiguous));
    } else if (type == "BertPreTokenizer") {
      push(cutter(by_character(unicode::is_white_space), SplitBehavior::kRemoved));
      push(cutter(by_character(unicode::is_bert_punctuation), SplitBehavior::kIsolated));
    } else if (type == "FixedLength") {
      const std::int64_t length = spec.integer_or("length", 5, 1, INT64_MAX);
      push(cutter(by_length(length), SplitBehavior::kIsolated));
    } else if (type == "UnicodeScripts") {
      push(cutter(cut_scripts, SplitBehavior::kRemoved));
    } else if (type == "CharDelimiterSplit" || type == "Delimiter") {
      push(cutter(by_pattern(Pattern(spec.text("delimiter"), who_)), SplitBehavior::kRemoved));
    } else {
      fail(ErrorCode::kUnsupported, "{}: pre-tokenizer of type '{}'", who_, type);
    }
  }

  PreTokenizerSteps result;

 private:
  void push(std::unique_ptr<PreTokenizer> step) {
    result.steps.push_back(std::move(step));
    ++added_;
  }

  // Cutting by one of the known patterns, as the first step, needs no step object at all.
  bool short_way(std::string_view regex) {
    const auto pattern = known_pattern(regex);
    if (pattern) {
      push(cutter(
          [p = *pattern](std::string_view text, std::vector<Stretch>& out) {
            std::size_t at = 0;
            for_each_gpt_word(p, text, [&](std::string_view word) {
              out.push_back({at, at + word.size(), true});
              at += word.size();
            });
          },
          SplitBehavior::kIsolated));
      result.only_pattern = added_ == 1 ? pattern : std::nullopt;
    }
    return pattern.has_value();
  }

  void add_byte_level(const JsonObject& spec, bool last) {
    if (spec.boolean_or("add_prefix_space", true)) {
      push(rewriter([](const WordList::Word& w) {
        std::string text;
        if (!w.text.starts_with(' ')) text.push_back(' ');
        return text.append(w.text);
      }));
    }
    if (spec.boolean_or("use_regex", true)) short_way(kGpt2Regex);
    if (last && bytes_) {
      result.byte_level = true;
    } else {
      push(rewriter([](const WordList::Word& w) { return byte_level::to_text(w.text); }));
    }
    if (added_ > 1) result.only_pattern = std::nullopt;
  }

  void add_split(const JsonObject& spec) {
    const Pattern pattern(spec.any("pattern"), who_);
    const auto behavior = parse_behavior(spec.text("behavior"), who_);
    const bool invert = spec.boolean_or("invert", false);
    // The known patterns match everywhere, so that removing what is between matches is the same as isolating
    // them.
    const bool isolates =
        !invert ? behavior == SplitBehavior::kIsolated : behavior == SplitBehavior::kRemoved;
    if (isolates && short_way(pattern.regex_source())) return;
    push(cutter(by_pattern(pattern), behavior, invert));
    result.only_pattern = std::nullopt;
  }

  void add_metaspace(const JsonObject& spec) {
    const std::string marker = spec.text_or("replacement", "\u2581");
    LQ_CHECK(!marker.empty(), kCorruptFile, "{}: Metaspace: 'replacement' should be one character", who_);
    // Older files say add_prefix_space instead of prepend_scheme.
    const bool prefix = spec.boolean_or("add_prefix_space", true);
    const std::string scheme = spec.text_or("prepend_scheme", prefix ? "always" : "never");
    LQ_CHECK(scheme == "always" || scheme == "first" || scheme == "never", kUnsupported,
             "{}: Metaspace: prepend_scheme '{}' (always, first or never)", who_, scheme);
    push(rewriter([=](const WordList::Word& w) {
      std::string text;
      text.reserve(w.text.size() * 2);
      for (const char c : w.text) c == ' ' ? text.append(marker) : text.append(1, c);
      const bool wanted = scheme == "always" || (scheme == "first" && w.at_start);
      return wanted && !text.starts_with(marker) ? marker + text : text;
    }));
    if (spec.boolean_or("split", true)) {
      push(cutter(by_pattern(Pattern(marker, who_)), SplitBehavior::kMergedWithNext));
    }
  }

  bool bytes_;
  const std::string& who_;
  int added_ = 0;
};

}  // namespace

PreTokenizerSteps make_pre_tokenizer(const nlohmann::json& spec, bool model_reads_bytes,
                                     const std::string& who) {
  if (spec.is_null()) return {};
  const std::string place = who + ": pre_tokenizer";
  Builder builder(model_reads_bytes, place);
  builder.add(JsonObject::record(spec, place), true, 0);
  PreTokenizerSteps steps = std::move(builder.result);
  if (steps.steps.size() != 1) steps.only_pattern = std::nullopt;
  return steps;
}

}  // namespace lq::tokenizers
