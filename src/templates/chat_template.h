// Conversations as the text that a chat model was trained on.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "templates/jinja.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

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
  static ChatTemplate of_model(const std::filesystem::path& directory);

  // The built-in this is, or whose text it gives for some sample conversations; else "custom".
  const std::string& name() const { return name_; }
  // What ends an answer: "</s>", "<|eot_id|>"; empty where the format has no such mark.
  const std::string& end_of_turn() const { return end_of_turn_; }

  // add_generation_prompt: with what comes before an answer at the end. Throws kInvalidArgument with the
  // template's own words for conversations it refuses (roles that do not alternate, none at all).
  std::string render(std::span<const ChatMessage> messages, bool add_generation_prompt) const;

  // render(messages, false), cut at the assistant's answers. Throws kUnsupported where the template changes
  // an answer by more than trimming it, so that its place cannot be told.
  std::vector<TextSegment> segments(std::span<const ChatMessage> messages) const;

 private:
  ChatTemplate(Jinja jinja, std::string name, std::string bos, std::string eos, std::string who);
  std::size_t end_mark(std::string_view text) const;

  Jinja jinja_;
  std::string name_, bos_, eos_, who_;
  std::string end_of_turn_;
};

}  // namespace lq
