#include "tokenizers/decoder.h"

#include <algorithm>

#include "base/error.h"
#include "files/json_object.h"
#include "tokenizers/byte_level.h"
#include "tokenizers/pattern.h"
#include "tokenizers/tokenizer_files.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

using Tokens = std::vector<std::string>;

template <typename Function>
class Step final : public Decoder {
 public:
  explicit Step(Function function) : function_(std::move(function)) {}
  void apply(Tokens& tokens) const override { function_(tokens); }

 private:
  Function function_;
};
template <typename Function>
std::unique_ptr<Decoder> step(Function function) {
  return std::make_unique<Step<Function>>(std::move(function));
}

std::string join(const Tokens& tokens) {
  std::string out;
  for (const std::string& t : tokens) out += t;
  return out;
}

void byte_level_step(Tokens& tokens) {
  std::string bytes;
  for (const std::string& t : tokens) {
    const auto raw = byte_level::to_bytes(t);
    bytes += raw ? *raw : t;
  }
  tokens = {utf8::is_valid(bytes) ? std::move(bytes) : utf8::repair(bytes)};
}

// The byte that a token "<0x0A>" names, or -1.
int byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void byte_fallback_step(Tokens& tokens) {
  Tokens out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    // All or nothing: one bad byte makes each byte of the run a replacement character, as Hugging Face has
    // it.
    if (utf8::is_valid(bytes)) {
      out.push_back(bytes);
    } else {
      for (std::size_t i = 0; i < bytes.size(); ++i) out.push_back("\uFFFD");
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    const int byte = byte_of(token);
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
    } else {
      flush();
      out.push_back(std::move(token));
    }
  }
  flush();
  tokens = std::move(out);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  if (done == 0) return;
  out.append(text, done);
  text = std::move(out);
}

// Spaces before marks and inside English short forms.
void clean_up(std::string& text) {
  static constexpr std::pair<std::string_view, std::string_view> kFixes[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kFixes) replace_all(text, from, to);
}

std::unique_ptr<Decoder> word_piece(const JsonObject& spec) {
  const std::string prefix = spec.text_or("prefix", "##");
  const bool cleanup = spec.boolean_or("cleanup", true);
  return step([=](Tokens& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string& t = tokens[i];
      if (i > 0 && t.starts_with(prefix)) {
        t.erase(0, prefix.size());
      } else if (i > 0) {
        t.insert(t.begin(), ' ');
      }
      if (cleanup) clean_up(t);
    }
  });
}

// Connectionist temporal classification: repeated tokens are one, the padding between them is nothing.
std::unique_ptr<Decoder> ctc(const JsonObject& spec) {
  const std::string pad = spec.text_or("pad_token", "<pad>");
  const std::string space = spec.text_or("word_delimiter_token", "|");
  const bool cleanup = spec.boolean_or("cleanup", true);
  LQ_CHECK(!pad.empty() && !space.empty(), kCorruptFile,
           "{}: CTC: 'pad_token' or 'word_delimiter_token' is empty", spec.who());
  return step([=](Tokens& tokens) {
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (std::string& t : tokens) {
      replace_all(t, pad, "");
      if (!cleanup) continue;
      clean_up(t);
      replace_all(t, space, " ");
    }
    std::erase(tokens, std::string());
  });
}

std::unique_ptr<Decoder> metaspace(const JsonObject& spec) {
  const std::string marker = spec.text_or("replacement", "\u2581");
  const bool prefix = spec.boolean_or("add_prefix_space", true);
  const bool prepends = spec.text_or("prepend_scheme", prefix ? "always" : "never") != "never";
  return step([=](Tokens& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      replace_all(tokens[i], marker, i == 0 && prepends ? "" : " ");
    }
  });
}

std::unique_ptr<Decoder> strip(const JsonObject& spec) {
  const std::string content = spec.text_or("content", " ");
  const std::int64_t start = spec.integer_or("start", 0, INT64_MIN, INT64_MAX);
  const std::int64_t stop = spec.integer_or("stop", 0, INT64_MIN, INT64_MAX);
  LQ_CHECK(!content.empty(), kCorruptFile, "{}: Strip: 'content' should be one character", spec.who());
  return step([=](Tokens& tokens) {
    for (std::string& t : tokens) {
      std::size_t begin = 0, end = t.size();
      for (std::int64_t i = 0; i < start && std::string_view(t).substr(begin).starts_with(content); ++i) {
        begin += content.size();
      }
      for (std::int64_t i = 0; i < stop && std::string_view(t).substr(0, end).ends_with(content); ++i) {
        end -= content.size();
      }
      t = begin < end ? t.substr(begin, end - begin) : std::string();
    }
  });
}

std::unique_ptr<Decoder> make_decoder(const JsonObject& spec, int depth) {
  LQ_CHECK(depth < kMaxSequenceDepth, kCorruptFile, "{}: decoders nested more than {} deep", spec.who(),
           kMaxSequenceDepth);
  const std::string type = spec.text("type");
  if (type == "Sequence") {
    std::vector<std::shared_ptr<Decoder>> steps;
    for (const JsonObject& one : spec.required_sections("decoders")) {
      steps.push_back(make_decoder(one, depth + 1));
    }
    return step([steps](Tokens& tokens) {
      for (const auto& one : steps) one->apply(tokens);
    });
  }
  if (type == "ByteLevel") return step(byte_level_step);
  if (type == "ByteFallback") return step(byte_fallback_step);
  if (type == "Fuse") return step([](Tokens& tokens) { tokens = {join(tokens)}; });
  if (type == "WordPiece") return word_piece(spec);
  if (type == "Metaspace") return metaspace(spec);
  if (type == "CTC") return ctc(spec);
  if (type == "Strip") return strip(spec);
  if (type == "Replace") {
    const Pattern pattern(spec.any("pattern"), spec.who());
    const std::string content = spec.text_or("content", "");
    return step([=](Tokens& tokens) {
      for (std::string& t : tokens) {
        if (!utf8::is_valid(t)) t = utf8::repair(t);
        t = pattern.replace(t, content);
      }
    });
  }
  if (type == "BPEDecoder") {
    const std::string suffix = spec.text_or("suffix", "</w>");
    return step([=](Tokens& tokens) {
      for (std::size_t i = 0; i < tokens.size() && !suffix.empty(); ++i) {
        replace_all(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
      }
    });
  }
  fail(ErrorCode::kUnsupported, "{}: decoder of type '{}'", spec.who(), type);
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(const nlohmann::json& spec, const std::string& who) {
  if (spec.is_null()) return nullptr;
  return make_decoder(JsonObject::record(spec, who + ": decoder"), 0);
}

}  // namespace lq::tokenizers
