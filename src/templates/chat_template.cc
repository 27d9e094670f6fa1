#include "templates/chat_template.h"

#include <algorithm>

#include "base/error.h"
#include "templates/chat_builtin.h"
#include "templates/jinja_text.h"
#include "tokenizers/tokenizer_config.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

// An answer whose place is looked for: private-use characters, which no text of a template holds.
constexpr std::string_view kSentinel = "\uE0FA\uE0FB";

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

ChatJson named_tokens(const std::string& bos, const std::string& eos) {
  return {{"bos_token", bos}, {"eos_token", eos}};
}

// As transformers hands a message to its templates: nothing instead of null, and reasoning under each of the
// names that templates look for.
ChatJson normalized(const ChatJson& message) {
  ChatJson out = ChatJson::object();
  const ChatJson* reasoning = nullptr;
  for (const char* name : {"reasoning", "thinking", "reasoning_content"}) {
    const auto it = message.find(name);
    if (it != message.end() && !it->is_null()) reasoning = &*it;
  }
  if (reasoning != nullptr) out["thinking"] = *reasoning;
  for (const auto& [key, value] : message.items()) {
    if (!value.is_null()) out[key] = value;
  }
  if (reasoning != nullptr) out["reasoning_content"] = *reasoning;
  return out;
}

}  // namespace

ChatJson chat_messages(std::span<const ChatMessage> messages) {
  ChatJson list = ChatJson::array();
  for (const ChatMessage& m : messages) list.push_back({{"role", m.role}, {"content", m.content}});
  return list;
}

ChatTemplate::ChatTemplate(Jinja jinja, std::optional<Jinja> with_tools, std::string name, ChatJson tokens,
                           std::string who)
    : jinja_(std::move(jinja)),
      with_tools_(std::move(with_tools)),
      name_(std::move(name)),
      tokens_(std::move(tokens)),
      who_(std::move(who)) {
  // Some templates write parts of text only.
  if (!learn_marks(false)) learn_marks(true);
}

bool ChatTemplate::learn_marks(bool parts) {
  const auto text_of = [&](std::span<const ChatMessage> talk, bool prompt) {
    ChatJson messages = chat_messages(talk);
    for (ChatJson& message : messages) {
      if (parts) message["content"] = ChatJson::array({{{"type", "text"}, {"text", message["content"]}}});
    }
    ChatOptions options;
    options.add_generation_prompt = prompt;
    return render(messages, options, nullptr);
  };
  // The end of turn is what follows an answer, whether the conversation goes on or not.
  const auto behind_answer = [&](std::vector<ChatMessage> talk) {
    const std::string text = text_of(talk, false);
    const std::size_t at = text.find(kSentinel);
    return at == std::string::npos ? std::string() : text.substr(at + kSentinel.size());
  };
  bool found = false;
  try {
    const std::string answer(kSentinel);
    const std::vector<ChatMessage> question = {{"user", "one?"}},
                                   both = {{"user", "one?"}, {"assistant", answer}};
    const std::string text = text_of(both, false);
    const std::size_t at = text.find(kSentinel);
    // A list that was printed as a list is not written.
    const bool printed = text.find("'type'") < at || text.find("\"type\"") < at;
    if (at == std::string::npos || (parts && printed)) return false;
    found = true;
    std::string end = behind_answer(both);
    try {
      const std::string more = behind_answer({{"user", "one?"}, {"assistant", answer}, {"user", "two?"}});
      const auto same = std::mismatch(end.begin(), end.end(), more.begin(), more.end()).first;
      if (same != end.begin()) end.erase(same, end.end());
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kInvalidArgument) throw;
    }
    end_of_turn_ = jinja::strip(utf8::repair(end), true, true, {});
    ends_in_space_ = end_of_turn_.empty() && !end.empty();
    const std::string prompt = text_of(question, true);
    if (at >= prompt.size() && text.starts_with(prompt)) {
      gap_ = text.substr(prompt.size(), at - prompt.size());
      const bool blank = jinja::strip(gap_, true, true, {}).empty();
      if (!blank && prompt != text_of(question, false)) gap_.clear();
    }
  } catch (const Error& e) {
    // A format that refuses this conversation has no known mark.
    if (e.code() != ErrorCode::kInvalidArgument) throw;
  }
  return found;
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
    if (t.name == name) {
      return ChatTemplate(Jinja(t.source, who), {}, std::string(name), named_tokens(bos, eos), who);
    }
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
  return from_sources(source, {}, named_tokens(bos, eos), who);
}

ChatTemplate ChatTemplate::from_sources(std::string_view source, std::optional<std::string_view> with_tools,
                                        const ChatJson& tokens, const std::string& who) {
  const auto read = [&](std::string_view text) {
    LQ_CHECK(utf8::is_valid(text), kCorruptFile, "{}: chat_template is not UTF-8", who);
    return Jinja(text, who + ": chat_template");
  };
  std::optional<Jinja> second;
  if (with_tools) second = read(*with_tools);
  ChatTemplate chat(read(source), std::move(second), "custom", tokens, who + ": chat_template");
  const auto token = [&](const char* name) { return tokens.value(name, std::string()); };
  const std::vector<std::string> own = signature(chat);
  for (const BuiltinTemplate& t : builtin_templates()) {
    if (signature(by_name(t.name, token("bos_token"), token("eos_token"))) == own) chat.name_ = t.name;
  }
  return chat;
}

ChatTemplate ChatTemplate::of_model(const Folder& folder) {
  const tokenizers::TokenizerConfig config = tokenizers::read_tokenizer_config(folder);
  const char* const file = "chat_template.jinja";
  const std::string who = folder.who(folder.has(file) ? file : "tokenizer_config.json");
  LQ_CHECK(config.chat_template.has_value(), kNotFound, "{}: no chat_template; choose one by name: {}", who,
           fmt::join(names(), ", "));
  ChatJson tokens = ChatJson::object();
  for (const auto& [name, content] : config.named) tokens[name] = content;
  return from_sources(*config.chat_template, config.tool_template, tokens, who);
}

const Jinja& ChatTemplate::jinja(const ChatOptions& options) const {
  return with_tools_ && !options.tools.is_null() ? *with_tools_ : jinja_;
}

std::string ChatTemplate::render(const ChatJson& messages, const ChatOptions& options,
                                 RenderTrace* trace) const {
  LQ_CHECK(messages.is_array(), kInvalidArgument, "{}: messages should be a list, are {}", who_,
           messages.type_name());
  ChatJson variables = tokens_;
  for (const auto& [name, value] : options.variables.items()) {
    LQ_CHECK(name != "messages" && name != "tools" && name != "documents" && name != "add_generation_prompt",
             kInvalidArgument, "{}: the variable '{}' is the conversation's own", who_, name);
    variables[name] = value;
  }
  ChatJson& list = variables["messages"] = ChatJson::array();
  for (const ChatJson& message : messages) {
    LQ_CHECK(message.is_object(), kInvalidArgument, "{}: message {} should be a mapping, is {}", who_,
             list.size(), message.type_name());
    list.push_back(normalized(message));
  }
  variables["tools"] = options.tools;
  variables["documents"] = options.documents;
  variables["add_generation_prompt"] = options.add_generation_prompt;
  return jinja(options).render(variables, {options.now}, trace);
}

std::string ChatTemplate::render(const ChatJson& messages, const ChatOptions& options) const {
  return render(messages, options, nullptr);
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, bool add_generation_prompt) const {
  ChatOptions options;
  options.add_generation_prompt = add_generation_prompt;
  return render(chat_messages(messages), options, nullptr);
}

std::vector<TextSegment> ChatTemplate::segments(std::span<const ChatMessage> messages) const {
  const RenderedChat chat = render_with_mask(chat_messages(messages), {});
  std::vector<TextSegment> out;
  const auto add = [&](std::size_t begin, std::size_t end, bool is_response) {
    if (begin < end) out.push_back({chat.text.substr(begin, end - begin), is_response});
  };
  std::size_t done = 0;
  for (const Span& span : chat.trained) {
    add(done, span.begin, false);
    add(span.begin, span.end, true);
    done = span.end;
  }
  add(done, chat.text.size(), false);
  return out;
}

}  // namespace lq
