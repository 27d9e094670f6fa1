// Which part of a rendered conversation the assistant says.
#include <algorithm>
#include <functional>

#include "base/error.h"
#include "templates/chat_template.h"
#include "templates/jinja_text.h"

namespace lq {
namespace {

std::size_t without_space(std::string_view text, std::size_t end) {
  return jinja::strip(text.substr(0, end), false, true, {}).size();
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// What of the prompt for an answer a turn begins with: "<|assistant|>" of "<|assistant|><think>" before
// "<|assistant|></think>": a mark in brackets is taken whole or not at all.
std::size_t common_header(std::string_view prompt, std::string_view turn) {
  std::size_t n = common_prefix(prompt, turn);
  if (n == prompt.size()) return n;
  const std::size_t open = prompt.substr(0, n).find_last_of("<[");
  if (open == std::string_view::npos) return n;
  const char close = prompt[open] == '<' ? '>' : ']';
  return prompt.substr(open, n - open).find(close) == std::string_view::npos ? open : n;
}

// The turns of the assistant in one conversation.
class Turns {
 public:
  using Render = std::function<std::string(std::size_t count, bool prompt)>;
  using Answered = std::function<std::string(std::size_t count, std::string_view content)>;
  // render: the first messages, with the prompt for an answer or without.
  // gap: what may stand between that prompt and an answer without being part of it. answered: the first
  // messages, and an answer of this content behind them.
  Turns(const RenderedChat& chat, const RenderTrace& trace, std::size_t messages, std::string_view gap,
        bool ends_in_space, Render render, Answered answered)
      : chat_(chat),
        trace_(trace),
        messages_(messages),
        gap_(gap),
        ends_in_space_(ends_in_space),
        render_(std::move(render)),
        answered_(std::move(answered)) {}

  // looped: set where the place was told by the template's loop over the messages.
  std::optional<Span> find(std::size_t i, bool& looped) const {
    auto prompt = rendered(i, true);
    if (!prompt) prompt = before_answer(i);
    std::optional<Span> span = by_prefixes(i, prompt);
    if (!span) {
      span = by_loop(i, prompt);
      looped = span.has_value();
    }
    if (!span) return std::nullopt;
    span->message = i;
    if (std::string_view(chat_.text).substr(span->begin, span->end - span->begin).starts_with(gap_)) {
      span->begin += gap_.size();
    }
    if (!ends_in_space_) span->end = std::max(span->begin, without_space(chat_.text, span->end));
    return span;
  }

 private:
  // As far as a text does not depend on what is answered: for an answer before which no prompt can be
  // rendered, such as the first message of all.
  std::optional<std::string> before_answer(std::size_t i) const {
    constexpr std::string_view kStandIn = "\uE0FAanswer\uE0FB";  // private-use characters
    try {
      std::string text = answered_(i, kStandIn);
      const std::size_t at = text.find(kStandIn);
      if (at == std::string::npos) return std::nullopt;
      text.resize(at);
      return text;
    } catch (const Error& e) {
      if (e.code() == ErrorCode::kInternal) throw;
      return std::nullopt;
    }
  }

  // Nothing where the template refuses the beginning of a conversation.
  std::optional<std::string> rendered(std::size_t count, bool prompt) const {
    if (count == messages_ && !prompt) return chat_.text;
    if (count == 0) return std::nullopt;  // transformers renders no empty conversation
    try {
      return render_(count, prompt);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kInvalidArgument) throw;
      return std::nullopt;
    }
  }

  // From the end of the conversation before the turn, with the prompt, to the end of the one that it ends;
  // both have to be the beginning of the whole text.
  std::optional<Span> by_prefixes(std::size_t i, const std::optional<std::string>& prompt) const {
    if (!prompt || !chat_.text.starts_with(*prompt)) return std::nullopt;
    const auto until = rendered(i + 1, false);
    if (!until) return std::nullopt;
    std::size_t end = until->size();
    if (!chat_.text.starts_with(*until)) {
      end = without_space(*until, end);
      if (!chat_.text.starts_with(std::string_view(*until).substr(0, end))) return std::nullopt;
    }
    if (end < prompt->size()) return std::nullopt;
    return Span{.begin = prompt->size(), .end = end};
  }

  // The turn of the template's loop over the messages, without what it has in common with the prompt.
  std::optional<Span> by_loop(std::size_t i, const std::optional<std::string>& prompt) const {
    const RenderTrace::Range* turn = nullptr;
    for (const auto& range : trace_.turns) {
      if (range.message != static_cast<std::int64_t>(i)) continue;
      if (turn != nullptr) return std::nullopt;  // rendered twice
      turn = &range;
    }
    if (turn == nullptr) return std::nullopt;
    for (const auto& range : trace_.turns) {
      const bool inside = range.begin >= turn->begin && range.end <= turn->end;
      if (&range != turn && inside) return std::nullopt;  // another message is rendered inside it
    }
    Span span{.begin = turn->begin, .end = turn->end};
    if (!prompt) return std::nullopt;
    // The prompt: what follows the text before the turn, or the conversation before it where the template
    // renders that otherwise.
    std::string_view header = *prompt;
    const auto before = i == 0 ? std::optional(std::string()) : rendered(i, false);
    if (header.starts_with(std::string_view(chat_.text).substr(0, turn->begin))) {
      header.remove_prefix(turn->begin);
    } else if (before && header.starts_with(*before)) {
      header.remove_prefix(before->size());
    } else {
      return std::nullopt;
    }
    if (header.empty()) return span;
    const std::string_view text = std::string_view(chat_.text).substr(turn->begin, turn->end - turn->begin);
    const std::size_t n = common_header(header, text);
    if (n == 0) return std::nullopt;
    span.begin += n;
    return span;
  }

  const RenderedChat& chat_;
  const RenderTrace& trace_;
  std::size_t messages_;
  std::string_view gap_;
  bool ends_in_space_;
  Render render_;
  Answered answered_;
};

// Stands for what message i says: letters, which no form of printing changes.
std::string stand_in(std::size_t i) { return fmt::format("qzStandIn{}Zq", i); }

// The messages with stand-ins for what others than the assistant say.
ChatJson with_stand_ins(const ChatJson& messages) {
  ChatJson out = messages;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto content = out[i].find("content");
    if (out[i].value("role", ChatJson()) == "assistant" || content == out[i].end()) continue;
    if (content->is_string()) *content = stand_in(i);
    if (!content->is_array()) continue;
    for (ChatJson& part : *content) {
      if (part.is_object() && part.contains("text")) part["text"] = stand_in(i);
    }
  }
  return out;
}

// Whether the turn of message i holds what a message behind it says, such as the result of its call. text and
// trace: of the messages with stand-ins.
bool holds_later_words(std::string_view text, const RenderTrace& trace, std::size_t i, std::size_t messages) {
  for (const auto& range : trace.turns) {
    if (range.message != static_cast<std::int64_t>(i)) continue;
    const std::string_view turn = text.substr(range.begin, range.end - range.begin);
    for (std::size_t later = i + 1; later < messages; ++later) {
      if (turn.find(stand_in(later)) != std::string_view::npos) return true;
    }
  }
  return false;
}

// Which of these turns hold words of others.
std::optional<std::size_t> first_with_others_words(std::span<const std::size_t> turns, std::size_t messages,
                                                   const std::function<std::string(RenderTrace&)>& render) {
  RenderTrace trace;
  std::string text;
  try {
    text = render(trace);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kInvalidArgument) throw;
    return std::nullopt;  // the template looks into the words: they cannot be replaced
  }
  for (const std::size_t i : turns) {
    if (holds_later_words(text, trace, i, messages)) return i;
  }
  return std::nullopt;
}

// A turn is empty where all of its spans are: a template may mark its end apart from the words.
void join_turns(std::vector<Span>& spans) {
  for (std::size_t i = 0; i < spans.size();) {
    std::size_t end = i + 1;
    bool empty = spans[i].empty_turn;
    const auto same_turn = [&] {
      const bool known = spans[i].message != Span::kNoMessage;
      return known ? spans[end].message == spans[i].message : spans[end].begin == spans[end - 1].end;
    };
    for (; end < spans.size() && same_turn(); ++end) empty = empty && spans[end].empty_turn;
    for (; i < end; ++i) spans[i].empty_turn = empty;
  }
}

}  // namespace

RenderedChat ChatTemplate::render_with_mask(const ChatJson& messages, const ChatOptions& options) const {
  LQ_CHECK(!options.add_generation_prompt, kInvalidArgument,
           "{}: a prompt for an answer is asked for behind a conversation that is trained on", who_);
  RenderTrace trace;
  RenderedChat out{render(messages, options, &trace), {}};
  const auto is_answer = [&](std::size_t i) { return messages[i].value("role", ChatJson()) == "assistant"; };
  if (jinja(options).has_generation()) {
    LQ_CHECK(
        !trace.hidden, kUnsupported,
        "{}: 'generation' stands inside a macro or a block that is rendered apart, so that its place in the "
        "text cannot be told",
        who_);
    for (const auto& range : trace.generations) {
      if (range.begin == range.end) continue;
      out.trained.push_back({range.begin, range.end,
                             range.message < 0 ? Span::kNoMessage : static_cast<std::size_t>(range.message),
                             false});
    }
  } else {
    const auto beginning = [&](std::size_t count, bool prompt) {
      ChatOptions with = options;
      with.add_generation_prompt = prompt;
      return render(ChatJson(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count)), with,
                    nullptr);
    };
    const auto answered = [&](std::size_t count, std::string_view content) {
      ChatJson talk(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count));
      talk.push_back({{"role", "assistant"}, {"content", content}});
      return render(talk, options, nullptr);
    };
    const Turns turns(out, trace, messages.size(), gap_, ends_in_space_, beginning, answered);
    std::vector<std::size_t> looped;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (!is_answer(i)) continue;
      bool by_loop = false;
      const auto span = turns.find(i, by_loop);
      if (by_loop) looped.push_back(i);
      LQ_CHECK(
          span.has_value(), kUnsupported,
          "{}: cannot tell which part of the text is the assistant's answer (message {}): the text of the "
          "messages before it changes with what follows, and the template has no {{% generation %}}",
          who_, i);
      if (span->begin < span->end) out.trained.push_back(*span);
    }
    const auto replaced = [&](RenderTrace& other) {
      return render(with_stand_ins(messages), options, &other);
    };
    const auto mixed =
        looped.empty() ? std::nullopt : first_with_others_words(looped, messages.size(), replaced);
    LQ_CHECK(
        !mixed, kUnsupported,
        "{}: cannot tell which part of the text is the assistant's answer (message {}): the template writes "
        "what a later message says into its turn, and has no {{% generation %}}",
        who_, *mixed);
  }
  std::size_t done = 0;
  for (Span& span : out.trained) {
    LQ_CHECK(span.begin >= done, kUnsupported, "{}: the assistant's answers overlap in the text", who_);
    done = span.end;
    std::string said = jinja::strip(out.text.substr(span.begin, span.end - span.begin), true, true, {});
    if (!end_of_turn_.empty() && said.ends_with(end_of_turn_)) said.resize(said.size() - end_of_turn_.size());
    span.empty_turn = jinja::strip(said, true, true, {}).empty();
  }
  join_turns(out.trained);
  return out;
}

}  // namespace lq
