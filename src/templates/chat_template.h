// Conversations as the text that a chat model was trained on, and which of it a model is trained to say.
#pragma once

#include <cstddef>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "templates/jinja.h"
#include "tokenizers/tokenizer.h"

namespace lq {

// Messages, tools and what else a template sees: JSON whose objects keep the order of their keys, which
// templates print.
using ChatJson = nlohmann::ordered_json;

struct ChatOptions {
  ChatJson tools;      // a list of JSON schemas, or null
  ChatJson documents;  // a list of {title, text}, or null
  // Further variables of the template ("enable_thinking"); they go before the tokens' names ("bos_token").
  ChatJson variables = ChatJson::object();
  bool add_generation_prompt = false;  // with what comes before an answer at the end
  std::optional<std::tm> now;          // what strftime_now tells; absent: the clock, local time
};

// [begin, end) in bytes of the text.
struct Span {
  static constexpr std::size_t kNoMessage = static_cast<std::size_t>(-1);
  std::size_t begin = 0, end = 0;
  std::size_t message = 0;  // index of the assistant's message that it renders, kNoMessage: not known
  bool empty_turn = false;  // nothing but the end of turn (which is still inside the span)
};

struct RenderedChat {
  std::string text;
  // What the assistant says, each with the mark that ends its turn; ascending, apart from each other.
  std::vector<Span> trained;
};

// A message of two texts, for callers that have no more.
struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};
ChatJson chat_messages(std::span<const ChatMessage> messages);

// A stretch of rendered text; is_response: the assistant's words and the mark that ends them, what a model is
// trained to say.
struct TextSegment {
  std::string text;
  bool is_response;
};

// Rendered text holds its own BOS where the format has one: encode it with
//   EncodeOptions{.add_special = false, .special_text = SpecialText::kParse}.
class ChatTemplate {
 public:
  // "llama-2", "llama-3", "chatml", "zephyr", "mistral", "alpaca", "vicuna".
  static const std::vector<std::string>& names();
  // bos, eos: text of these tokens, may be empty. Throws kInvalidArgument, with the names there are.
  static ChatTemplate by_name(std::string_view name, const std::string& bos, const std::string& eos);
  static ChatTemplate by_name(std::string_view name, const Tokenizer& tokenizer);
  // The Jinja source of a tokenizer_config.json. who: named in errors. Throws kUnsupported for constructs
  // that Jinja (jinja.h) does not cover, with the construct and its line.
  static ChatTemplate from_jinja(std::string_view source, const std::string& bos, const std::string& eos,
                                 const std::string& who);
  // chat_template of tokenizer_config.json, or chat_template.jinja, in a model directory. Throws kNotFound
  // where there is none.
  static ChatTemplate of_model(const Folder& folder);
  // with_tools: the template "tool_use", which takes the other's place where there are tools. tokens:
  // "bos_token" and the other named tokens.
  static ChatTemplate from_sources(std::string_view source, std::optional<std::string_view> with_tools,
                                   const ChatJson& tokens, const std::string& who);

  // The built-in this is, or whose text it gives for some sample conversations; else "custom".
  const std::string& name() const { return name_; }
  // What ends an answer: "</s>", "<|eot_id|>", "<end_of_turn>"; empty where the format has no such mark.
  const std::string& end_of_turn() const { return end_of_turn_; }

  // messages: a list of mappings, each whole: "role", "content" (text, parts or nothing), "tool_calls",
  // "reasoning_content" and whatever else the template looks at. As transformers' apply_chat_template: keys
  // whose value is null are left out, and reasoning is there under each of its names.
  // Throws kInvalidArgument with the template's own words for conversations it refuses (roles that do not
  // alternate, none at all) and for what is no list of mappings.
  std::string render(const ChatJson& messages, const ChatOptions& options) const;
  std::string render(std::span<const ChatMessage> messages, bool add_generation_prompt) const;

  // The text of the conversation and the assistant's part of it. What is trained is what {% generation %}
  // encloses where the template has it; else what follows the prompt for an answer, up to and with the mark
  // that ends the turn (white space behind the mark is not part of it). Throws kUnsupported, with the reason,
  // where the assistant's part cannot be told. REQUIRES: !options.add_generation_prompt.
  RenderedChat render_with_mask(const ChatJson& messages, const ChatOptions& options) const;

  // render_with_mask as consecutive stretches.
  std::vector<TextSegment> segments(std::span<const ChatMessage> messages) const;

 private:
  ChatTemplate(Jinja jinja, std::optional<Jinja> with_tools, std::string name, ChatJson tokens,
               std::string who);
  // Finds the end of turn and the gap, with contents as text or as parts; whether the template writes these.
  bool learn_marks(bool parts);
  std::string render(const ChatJson& messages, const ChatOptions& options, RenderTrace* trace) const;
  const Jinja& jinja(const ChatOptions& options) const;

  Jinja jinja_;
  std::optional<Jinja> with_tools_;  // "tool_use": instead of the other where there are tools
  std::string name_;
  ChatJson tokens_;  // variables: "bos_token", "eos_token" ...
  std::string who_, end_of_turn_;
  // What stands between the prompt for an answer and the answer and is not the assistant's: white space, or
  // the whole header of its turn where the template writes no prompt.
  std::string gap_;
  bool ends_in_space_ = false;  // the end of a turn is nothing but white space
};

}  // namespace lq
