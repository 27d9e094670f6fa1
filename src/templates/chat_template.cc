#include "templates/chat_template.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "templates/chat_builtin.h"
#include "tokenizers/tokenizer_config.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

// Stands for answer i while its place is looked for: private-use characters, which no text of a template
// holds.
std::string sentinel(std::size_t i) { return fmt::format("\uE0FA{}\uE0FB", i); }

std::string trimmed(const std::string& text) {
  const char* const space = " \t\n\r\f\v";
  const std::size_t begin = text.find_first_not_of(space);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

// Conversations on which formats differ where they do.
const std::vector<std::vector<ChatMessage>>& samples() {
  static const std::vector<std::vector<ChatMessage>> kSamples = {
      {{"user", "one?"}},
      {{"user", "one?"}, {"assistant", "two."}, {"user", "three?"}},
      {{"system", "be brief"}, {"user", "one?"}, {"assistant", "two."}},
  };
  return kSamples;
}

// What the template makes of the samples, a refusal included.
std::vector<std::string> signature(const ChatTemplate& chat) {
  std::vector<std::string> out;
  for (const auto& sample : samples()) {
    for (const bool prompt : {false, true}) {
      try {
        out.push_back(chat.render(sample, prompt));
      } catch (const Error& e) {
        if (e.code() != ErrorCode::kInvalidArgument) throw;
        out.push_back("refused");
      }
    }
  }
  return out;
}

}  // namespace

ChatTemplate::ChatTemplate(Jinja jinja, std::string name, std::string bos, std::string eos, std::string who)
    : jinja_(std::move(jinja)),
      name_(std::move(name)),
      bos_(std::move(bos)),
      eos_(std::move(eos)),
      who_(std::move(who)) {
  const std::vector<ChatMessage> sample = {{"user", "one?"}, {"assistant", sentinel(0)}};
  try {
    const std::string text = render(sample, false);
    const std::size_t at = text.find(sentinel(0));
    if (at == std::string::npos) return;
    const std::string_view rest = std::string_view(text).substr(at + sentinel(0).size());
    end_of_turn_ = trimmed(std::string(rest.substr(0, end_mark(rest))));
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidArgument)
      throw;  // a format that refuses this conversation has no known mark
  }
}

const std::vector<std::string>& ChatTemplate::names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> out;
    for (const BuiltinTemplate& t : builtin_templates()) out.emplace_back(t.name);
    return out;
  }();
  return kNames;
}

ChatTemplate ChatTemplate::by_name(std::string_view name, const std::string& bos, const std::string& eos) {
  for (const BuiltinTemplate& t : builtin_templates()) {
    const std::string who = fmt::format("chat template '{}'", t.name);
    if (t.name == name) return ChatTemplate(Jinja(t.source, who), std::string(name), bos, eos, who);
  }
  fail(ErrorCode::kInvalidArgument, "no chat template is named '{}' (there are {})", name,
       fmt::join(names(), ", "));
}

ChatTemplate ChatTemplate::by_name(std::string_view name, const Tokenizer& tokenizer) {
  const auto text = [&](std::optional<std::int32_t> id) { return id ? tokenizer.piece(*id) : std::string(); };
  return by_name(name, text(tokenizer.bos_id()), text(tokenizer.eos_id()));
}

ChatTemplate ChatTemplate::from_jinja(std::string_view source, const std::string& bos, const std::string& eos,
                                      const std::string& who) {
  LQ_CHECK(utf8::is_valid(source), kCorruptFile, "{}: chat_template is not UTF-8", who);
  ChatTemplate chat(Jinja(source, who + ": chat_template"), "custom", bos, eos, who + ": chat_template");
  const std::vector<std::string> own = signature(chat);
  for (const BuiltinTemplate& t : builtin_templates()) {
    if (signature(by_name(t.name, bos, eos)) == own) chat.name_ = t.name;
  }
  return chat;
}

ChatTemplate ChatTemplate::of_model(const std::filesystem::path& directory) {
  const tokenizers::TokenizerConfig config = tokenizers::read_tokenizer_config(directory);
  const std::string who = (directory / "tokenizer_config.json").string();
  LQ_CHECK(config.chat_template.has_value(), kNotFound, "{}: no chat_template; choose one by name: {}", who,
           fmt::join(names(), ", "));
  return from_jinja(*config.chat_template, config.bos.value_or(""), config.eos.value_or(""), who);
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, bool add_generation_prompt) const {
  using Json = nlohmann::json;
  Json list = Json::array();
  for (const ChatMessage& m : messages) {
    const auto text = [](const std::string& s) { return utf8::is_valid(s) ? s : utf8::repair(s); };
    list.push_back({{"role", text(m.role)}, {"content", text(m.content)}});
  }
  return jinja_.render({{"messages", std::move(list)},
                        {"bos_token", bos_},
                        {"eos_token", eos_},
                        {"add_generation_prompt", add_generation_prompt}});
}

std::size_t ChatTemplate::end_mark(std::string_view text) const {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  if (!eos_.empty() && text.substr(begin).starts_with(eos_)) return begin + eos_.size();
  if (!text.substr(begin).starts_with("<|")) return 0;
  const std::size_t end = text.find("|>", begin);
  return end == std::string_view::npos ? 0 : end + 2;
}

std::vector<TextSegment> ChatTemplate::segments(std::span<const ChatMessage> messages) const {
  std::vector<ChatMessage> marked(messages.begin(), messages.end());
  for (std::size_t i = 0; i < marked.size(); ++i) {
    if (marked[i].role == "assistant") marked[i].content = sentinel(i);
  }
  const std::string frame = render(marked, false);
  const std::string expected = render(messages, false);
  // A template either takes answers as they are or trims them.
  for (const bool trims : {false, true}) {
    std::vector<TextSegment> out;
    std::string whole;
    const auto add = [&](std::string_view text, bool is_response) {
      if (text.empty()) return;
      out.push_back({std::string(text), is_response});
      whole += text;
    };
    std::string_view rest = frame;
    for (std::size_t i = 0; i < marked.size(); ++i) {
      if (marked[i].role != "assistant") continue;
      const std::string mark = sentinel(i);
      const std::size_t at = rest.find(mark);
      if (at == std::string_view::npos) continue;  // then whole differs from what is expected
      add(rest.substr(0, at), false);
      rest.remove_prefix(at + mark.size());
      const std::size_t end = end_mark(rest);
      const std::string answer = utf8::repair(messages[i].content);
      add((trims ? trimmed(answer) : answer) + std::string(rest.substr(0, end)), true);
      rest.remove_prefix(end);
    }
    add(rest, false);
    if (whole == expected) return out;
  }
  fail(ErrorCode::kUnsupported,
       "{}: changes the assistant's answers, so that their place in the text cannot be told", who_);
}

}  // namespace lq
