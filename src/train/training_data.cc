#include "train/training_data.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "base/option_error.h"

namespace lq {
namespace {

std::unique_ptr<ChatTemplate> chat_of(const TrainingDataOptions& o, const Folder& model,
                                      const Tokenizer& tokenizer) {
  if (!o.chat_template.empty()) {
    return std::make_unique<ChatTemplate>(ChatTemplate::by_name(o.chat_template, tokenizer));
  }
  try {
    return std::make_unique<ChatTemplate>(ChatTemplate::of_model(model));
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kNotFound) return nullptr;
    throw;
  }
}

// A short conversation, in parts where the template does not take text; nothing where it takes neither.
std::optional<std::string> sample_of(const ChatTemplate& chat) {
  ChatJson sample = chat_messages(std::vector<ChatMessage>{{"user", "a"}, {"assistant", "a"}});
  try {
    return chat.render(sample, {});
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidArgument) throw;
  }
  for (ChatJson& message : sample) {
    message["content"] = ChatJson::array({{{"type", "text"}, {"text", message["content"]}}});
  }
  try {
    return chat.render(sample, {});
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidArgument) throw;
    return std::nullopt;
  }
}

// Whether this is wrong with a template, not with the machine.
bool is_of_template(const Error& e) {
  return e.code() == ErrorCode::kUnsupported || e.code() == ErrorCode::kMismatch ||
         e.code() == ErrorCode::kCorruptFile;
}

}  // namespace

std::string check_template(const ChatTemplate& chat, const Tokenizer& tokenizer) {
  constexpr EncodeOptions kParse{.add_special = false, .special_text = SpecialText::kParse};
  const std::optional<std::string> text = sample_of(chat);
  if (!text) return {};
  const auto unknown = [&](const std::string& t) {
    const auto ids = tokenizer.encode(t, kParse);
    return tokenizer.special().unk ? std::count(ids.begin(), ids.end(), *tokenizer.special().unk) : 0;
  };
  // A letter may be unknown too; the marks of the template should not be.
  LQ_CHECK(unknown(*text) <= 2 * unknown("a"), kMismatch,
           "[data] chat template {}: this tokenizer ({}) has no tokens for parts of '{}'", chat.name(),
           tokenizer.kind(), *text);
  if (chat.end_of_turn().empty()) {
    return fmt::format("chat template {}: nothing stands behind an answer, so that none is learnt to end",
                       chat.name());
  }
  const std::size_t pieces = tokenizer.encode(chat.end_of_turn(), kParse).size();
  if (pieces == 1) return {};
  return fmt::format(
      "chat template {}: '{}', which ends an answer, is {} tokens of this tokenizer and none of its special "
      "ones",
      chat.name(), chat.end_of_turn(), pieces);
}

ExampleSet read_training_data(const TrainingDataOptions& o, const Folder& model, const Tokenizer& tokenizer,
                              Progress& progress) {
  ExampleSetOptions options = o.examples;
  std::unique_ptr<ChatTemplate> chat;
  try {
    chat = chat_of(o, model, tokenizer);
    const std::string odd = chat == nullptr ? "" : check_template(*chat, tokenizer);
    if (!odd.empty()) progress.note("data: " + odd);
  } catch (const Error& e) {
    // A text needs no template: what is wrong with the model's own is said where a conversation comes.
    if (!o.chat_template.empty() || !is_of_template(e)) throw;
    chat.reset();
    options.format.chat_refused = e.what();
  }
  options.format.chat = chat.get();
  const tokenizers::SpecialTokens& special = tokenizer.special();
  if (special.bos) options.format.bos = tokenizer.piece(*special.bos);
  if (special.eos) options.format.eos = tokenizer.piece(*special.eos);
  for (const DataSource& source : o.validation) {
    check_option(source.weight == 1.0, "val-data", "{}: a weight is for `data` alone", source.path.string());
  }
  if (!special.eos && options.encode.add_eos) {
    progress.note(
        "data: the tokenizer names no end-of-text token (eos_token), so that none stands behind texts and "
        "completions");
  }
  ExampleSet set = read_examples(o.train, tokenizer, options, progress);
  for (const std::string& line : set.report.lines()) progress.note("data: " + line);
  if (o.validation.empty()) return set;
  options.validation = 0.0;
  options.purpose = "validate on";
  ExampleSet more = read_examples(o.validation, tokenizer, options, progress);
  std::move(more.train.begin(), more.train.end(), std::back_inserter(set.validation));
  set.tokens += more.tokens;
  set.trained_tokens += more.trained_tokens;
  set.bad += more.bad;
  set.truncated += more.truncated;
  set.dropped += more.dropped;
  for (const std::string& line : more.report.lines()) progress.note("validation data: " + line);
  set.report.add(more.report);
  return set;
}

}  // namespace lq
