#include "tokenizers/normalizer.h"

#include <vector>

#include "base/error.h"
#include "files/json_object.h"
#include "tokenizers/base64.h"
#include "tokenizers/byte_level.h"
#include "tokenizers/charsmap.h"
#include "tokenizers/pattern.h"
#include "tokenizers/tokenizer_files.h"
#include "unicode/unicode.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

constexpr std::size_t kMaxGrowth = 64;  // no normal form is so much longer than its text

// A normalizer that maps each character by itself: map(code, out) appends what stands for it.
template <typename Map>
class PerCharacter final : public Normalizer {
 public:
  explicit PerCharacter(Map map) : map_(std::move(map)) {}
  void apply(std::string& text) const override {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      std::size_t size = 0;
      const char32_t c = utf8::decode_valid(text.data() + at, size);
      at += size;
      map_(c, out);
    }
    text = std::move(out);
  }

 private:
  Map map_;
};
template <typename Map>
std::unique_ptr<Normalizer> per_character(Map map) {
  return std::make_unique<PerCharacter<Map>>(std::move(map));
}

// A normalizer that is one function on the whole text.
template <typename Function>
class Whole final : public Normalizer {
 public:
  explicit Whole(Function function) : function_(std::move(function)) {}
  void apply(std::string& text) const override { function_(text); }

 private:
  Function function_;
};
template <typename Function>
std::unique_ptr<Normalizer> whole(Function function) {
  return std::make_unique<Whole<Function>>(std::move(function));
}

std::unique_ptr<Normalizer> form(unicode::Form f) {
  return whole([f](std::string& text) { text = unicode::normalize(text, f); });
}

void strip(std::string& text, bool left, bool right) {
  std::size_t begin = 0, end = text.size(), size = 0;
  while (left && begin < end && unicode::is_white_space(utf8::decode_valid(text.data() + begin, size)))
    begin += size;
  while (right && end > begin) {
    const std::size_t before = utf8::previous(text, end);
    if (!unicode::is_white_space(utf8::decode_valid(text.data() + before, size))) break;
    end = before;
  }
  text = text.substr(begin, end - begin);
}

bool is_cjk(char32_t c) {
  // The ranges of BERT's own code; the gap at U+2B820 is Hugging Face's.
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::unique_ptr<Normalizer> bert(const JsonObject& spec) {
  const bool clean = spec.boolean_or("clean_text", true);
  const bool cjk = spec.boolean_or("handle_chinese_chars", true);
  const bool lower = spec.boolean_or("lowercase", true);
  const bool accents = spec.boolean_or("strip_accents", lower);
  auto separate = per_character([=](char32_t c, std::string& out) {
    if (clean && c != '\t' && c != '\n' && c != '\r' &&
        (c == 0 || c == utf8::kReplacement || unicode::is_bert_other(c))) {
      return;
    }
    if (clean && unicode::is_white_space(c)) return out.push_back(' ');
    if (!cjk || !is_cjk(c)) return utf8::append(out, c);
    out.push_back(' ');
    utf8::append(out, c);
    out.push_back(' ');
  });
  auto drop_marks = per_character([=](char32_t c, std::string& out) {
    if (accents && unicode::is_bert_mark(c)) return;
    lower ? unicode::append_lower(out, c) : utf8::append(out, c);
  });
  return whole([=, separate = std::shared_ptr(std::move(separate)),
                drop_marks = std::shared_ptr(std::move(drop_marks))](std::string& text) {
    separate->apply(text);
    if (accents) text = unicode::normalize(text, unicode::Form::kNfd);
    drop_marks->apply(text);
  });
}

std::unique_ptr<Normalizer> replace(const JsonObject& spec) {
  const Pattern pattern(spec.any("pattern"), spec.who());
  const std::string content = spec.text_or("content", "");
  return whole([pattern, content](std::string& text) { text = pattern.replace(text, content); });
}

std::unique_ptr<Normalizer> precompiled(const JsonObject& spec) {
  const std::string blob = decode_base64(spec.text_or("precompiled_charsmap", ""), spec.who());
  if (blob.empty()) return whole([](std::string&) {});
  return whole([map = Charsmap(blob, spec.who())](std::string& text) {
    std::string out;
    out.reserve(text.size());
    // Hugging Face looks a short grapheme up as a whole and lets the shortest key in it stand for all of it.
    unicode::for_each_grapheme(text, [&](std::string_view grapheme) {
      if (grapheme.size() < 6) {
        if (const auto match = map.shortest(grapheme)) {
          out += match->value;
          return;
        }
      }
      for (std::size_t at = 0; at < grapheme.size();) {
        const std::string_view character = grapheme.substr(at, utf8::size_of(grapheme[at]));
        const auto match = map.shortest(character);
        out += match ? match->value : character;
        at += character.size();
      }
    });
    text = std::move(out);
  });
}

void nmt(char32_t c, std::string& out) {
  if ((c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F)
    return;
  const bool space = c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                     c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  space ? out.push_back(' ') : utf8::append(out, c);
}

std::unique_ptr<Normalizer> make_normalizer(const JsonObject& spec, int depth) {
  LQ_CHECK(depth < kMaxSequenceDepth, kCorruptFile, "{}: normalizers nested more than {} deep", spec.who(),
           kMaxSequenceDepth);
  const std::string type = spec.text("type");
  if (type == "Sequence") {
    std::vector<std::shared_ptr<Normalizer>> steps;
    for (const JsonObject& step : spec.required_sections("normalizers")) {
      steps.push_back(make_normalizer(step, depth + 1));
    }
    return whole([steps, who = spec.who()](std::string& text) {
      const std::size_t limit = text.size() * kMaxGrowth + (std::size_t{1} << 20);
      for (const auto& step : steps) {
        step->apply(text);
        LQ_CHECK(text.size() <= limit, kUnsupported, "{}: makes the text more than {} times as long", who,
                 kMaxGrowth);
      }
    });
  }
  if (type == "NFC") return form(unicode::Form::kNfc);
  if (type == "NFD") return form(unicode::Form::kNfd);
  if (type == "NFKC") return form(unicode::Form::kNfkc);
  if (type == "NFKD") return form(unicode::Form::kNfkd);
  if (type == "Lowercase")
    return per_character([](char32_t c, std::string& out) { unicode::append_lower(out, c); });
  if (type == "StripAccents") {
    return per_character([](char32_t c, std::string& out) {
      if (!unicode::is_mark(c)) utf8::append(out, c);
    });
  }
  if (type == "Strip") {
    const bool left = spec.boolean_or("strip_left", true);
    const bool right = spec.boolean_or("strip_right", true);
    return whole([=](std::string& text) { strip(text, left, right); });
  }
  if (type == "Replace") return replace(spec);
  if (type == "Prepend") {
    return whole([prefix = spec.text("prepend")](std::string& text) {
      if (!text.empty()) text.insert(0, prefix);
    });
  }
  if (type == "Nmt") return per_character(nmt);
  if (type == "ByteLevel") return whole([](std::string& text) { text = byte_level::to_text(text); });
  if (type == "BertNormalizer") return bert(spec);
  if (type == "Precompiled") return precompiled(spec);
  fail(ErrorCode::kUnsupported, "{}: normalizer of type '{}'", spec.who(), type);
}

}  // namespace

std::unique_ptr<Normalizer> make_normalizer(const nlohmann::json& spec, const std::string& who) {
  if (spec.is_null()) return nullptr;
  return make_normalizer(JsonObject::record(spec, who + ": normalizer"), 0);
}

}  // namespace lq::tokenizers
