// Conversations as text by a chat template, with what of it is trained and what the template leaves out.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/conversation.h"
#include "data/token_spans.h"
#include "templates/chat_template.h"

namespace lq {

struct ConversationText {
  std::string text;
  std::vector<TextSpan> trained;  // ascending, apart
  std::vector<TextSpan> refused;  // answers whose flags say that they never count; likewise
};

class ConversationWriter {
 public:
  // chat outlives this. Trained::kAll: where no flag takes an answer out, the answers' places are not looked
  // for, so that every template serves, and `trained` stays empty.
  explicit ConversationWriter(const ChatTemplate& chat, Trained what = Trained::kAnswers)
      : chat_(chat), what_(what) {}

  // Messages whose content has a form that the template does not take (parts, plain text) get the other one.
  // Counts that, answers that end up empty, and what the template does not write: texts and keys of messages,
  // tools, documents. Throws kCorruptFile with the place, and the template's own words, for a conversation
  // that it refuses or whose mask cannot be told.
  ConversationText write(Conversation conversation, const std::string& place, DataReport& report);

 private:
  // Forms of content that the template writes.
  struct Forms {
    bool text = true, parts = true;
  };
  Forms forms_of_template() const;
  void fit_content(ChatJson& messages, const std::string& place, DataReport& report);
  // Whether the template leaves out what the message says, or one of its parts.
  bool drops_content(const std::string& text, const ChatJson& messages, std::size_t number,
                     const ChatOptions& options) const;
  bool changes(const std::string& text, const ChatJson& messages, const ChatOptions& options) const;
  void count_unwritten(const std::string& text, const ChatJson& messages, const ChatOptions& options,
                       const std::string& place, DataReport& report);

  const ChatTemplate& chat_;
  Trained what_;
  std::optional<Forms> forms_;
  std::set<std::string> written_;  // keys that the template was seen to write
};

}  // namespace lq
