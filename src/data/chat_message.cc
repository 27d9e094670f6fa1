#include "data/chat_message.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/printable.h"
#include "data/whole_numbers.h"
#include "files/json_file.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::string_view_literals;

struct Speaker {
  std::string_view from, role;
};
// ShareGPT's names of speakers, and those of its tool-using relatives.
constexpr std::array kSpeakers = {
    Speaker{"human"sv, "user"sv},
    Speaker{"user"sv, "user"sv},
    Speaker{"gpt"sv, "assistant"sv},
    Speaker{"assistant"sv, "assistant"sv},
    Speaker{"chatgpt"sv, "assistant"sv},
    Speaker{"bot"sv, "assistant"sv},
    Speaker{"model"sv, "assistant"sv},
    Speaker{"system"sv, "system"sv},
    Speaker{"developer"sv, "developer"sv},
    Speaker{"tool"sv, "tool"sv},
    Speaker{"observation"sv, "tool"sv},
    Speaker{"function"sv, "tool"sv},
    Speaker{"function_response"sv, "tool"sv},
    Speaker{"tool_response"sv, "tool"sv},
    Speaker{"ipython"sv, "tool"sv},
};
// Of these, the ones that stand for another name under OpenAI's key "role" too. The others are left to the
// template.
constexpr std::array kRenamedRoles = {"human"sv, "gpt"sv, "chatgpt"sv, "bot"sv, "model"sv};
constexpr std::array kCallers = {"function_call"sv, "tool_call"sv};
constexpr std::array kFlags = {"weight"sv, "train"sv, "training"sv, "loss"sv};
// Axolotl's ranges of characters within an answer.
constexpr std::array kRangeFlags = {"train_detail"sv, "training_detail"sv};

// Of parts that are no text: within their types ("image_url", "input_audio").
constexpr std::array kUnseen = {"image"sv, "video"sv, "audio"sv, "file"sv};

template <typename List>
bool holds(const List& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

std::string role_of(const std::string& speaker, const std::string& where) {
  const auto it = std::ranges::find(kSpeakers, speaker, &Speaker::from);
  LQ_CHECK(it != kSpeakers.end(), kCorruptFile, "{}: unknown speaker '{}' (human, gpt, system, tool)", where,
           printable(speaker));
  return std::string(it->role);
}

// "value" of a function_call: {"name": ..., "arguments": {...}}, or a list of those.
Json calls_of(const std::string& value, const std::string& where) {
  Json calls = parse_ordered_json(value, where + ": the call");
  check_whole_numbers(value, calls, where + ": the call");
  if (calls.is_object()) calls = Json::array({std::move(calls)});
  Json out = Json::array();
  for (Json& call : calls) {
    LQ_CHECK(call.is_object() && call.contains("name") && call["name"].is_string(), kCorruptFile,
             "{}: a call should be an object with a 'name' and 'arguments'", where);
    out.push_back({{"type", "function"}, {"function", std::move(call)}});
  }
  return out;
}

// Whether a flag's value says that the message is trained.
bool flag_value(const Json& value, std::string_view key, const std::string& where) {
  if (value.is_boolean()) return value.get<bool>();
  const double number = value.is_number() ? value.get<double>() : -1.0;
  LQ_CHECK(number == 0.0 || number == 1.0, kCorruptFile,
           "{}: '{}' should be 0 or 1, true or false (other weights are not supported), is {}", where, key,
           printable(value.dump(-1, ' ', true, Json::error_handler_t::replace)));
  return number == 1.0;
}

bool says_nothing(const Json& value) {
  if (value.is_string()) {
    return value.get_ref<const std::string&>().find_first_not_of(" \t\r\n\f\v") == std::string::npos;
  }
  if (value.is_array()) {
    return std::ranges::all_of(value, [](const Json& part) {
      if (part.is_object()) return part.contains("text") && says_nothing(part["text"]);
      return says_nothing(part);
    });
  }
  return value.is_null() || (value.is_object() && value.empty());
}

}  // namespace

ChatDataMessage read_chat_message(const Json& message, const std::string& where, DataReport& report,
                                  const std::string& place) {
  const bool by_role = message.is_object() && message.contains("role");
  const char* const speaker = by_role ? "role" : "from";
  LQ_CHECK(message.is_object() && message.contains(speaker) && message[speaker].is_string(), kCorruptFile,
           "{}: should be an object with 'role' and 'content' (or 'from' and 'value')", where);
  const char* const text = message.contains("content") || by_role ? "content" : "value";
  const auto content =
      message.find(by_role && !message.contains("content") && message.contains("value") ? "value" : text);
  const auto said = message[speaker].get<std::string>();
  const bool call = !by_role && holds(kCallers, said);

  ChatDataMessage out;
  std::string_view off;  // the flag that says: not trained
  bool on = false;
  for (const auto& [key, value] : message.items()) {
    if (key == speaker) {
      const bool rename = !by_role || holds(kRenamedRoles, said);
      out.mapping["role"] = call ? "assistant" : rename ? role_of(said, where) : said;
    } else if (content != message.end() && key == content.key()) {
      out.mapping["content"] = value;
    } else if (holds(kFlags, key)) {
      if (value.is_null()) continue;
      const bool trained = flag_value(value, key, where);
      if (!trained) off = key;
      on = on || trained;
    } else {
      LQ_CHECK(!holds(kRangeFlags, key), kCorruptFile,
               "{}: '{}' (training of parts of an answer) is not supported", where, key);
      out.mapping[key] = value;
    }
  }
  if (call) {
    LQ_CHECK(content != message.end() && content->is_string(), kCorruptFile,
             "{}: the '{}' of a {} should be a string that holds JSON", where, text, said);
    out.mapping["content"] = "";
    out.mapping["tool_calls"] = calls_of(content->get<std::string>(), where);
  }
  const bool spoken = out.mapping.contains("content") &&
                      (out.mapping["content"].is_string() || out.mapping["content"].is_array());
  const bool other = out.mapping.contains("tool_calls") || out.mapping.contains("function_call") ||
                     (out.mapping.contains("content") && out.mapping["content"].is_null());
  LQ_CHECK(spoken || other, kCorruptFile,
           "{}: '{}' should be a string, a list of parts, or null beside tool_calls", where, text);
  const std::string role = out.mapping["role"].get<std::string>();
  if (!off.empty()) {
    out.trained = false;
    if (role == "assistant") report.count(Finding::kTurnNotTrained, off, place);
  } else if (on && role != "assistant") {
    report.count(Finding::kFlagNoEffect, role, place);
  }
  return out;
}

std::string joined_content(const Json& message, const std::string& where) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return {};
  if (content->is_string()) return content->get<std::string>();
  std::string out;
  for (const Json& part : *content) {
    if (part.is_string()) {
      out += part.get_ref<const std::string&>();
      continue;
    }
    const bool text = part.is_object() && part.contains("text") && part["text"].is_string();
    const std::string type = part.is_object() && part.contains("type") && part["type"].is_string()
                                 ? part["type"].get<std::string>()
                                 : "text";
    LQ_CHECK(text && type.ends_with("text"), kCorruptFile,
             "{}: a part of type '{}' has no place in this chat template, which takes text", where,
             printable(type));
    out += part["text"].get_ref<const std::string&>();
  }
  return out;
}

bool complete_parts(Json& parts, const std::string& where) {
  bool any = false;
  for (Json& part : parts) {
    if (part.is_string()) {
      part = Json{{"type", "text"}, {"text", std::move(part)}};
      any = true;
      continue;
    }
    const bool typed = part.is_object() && part.contains("type") && part["type"].is_string();
    const std::string type = typed ? part["type"].get<std::string>() : "text";
    const bool unseen = std::ranges::any_of(
        kUnseen, [&](std::string_view kind) { return type.find(kind) != std::string::npos; });
    LQ_CHECK(!unseen, kCorruptFile, "{}: a part of type '{}', but only text is trained", where,
             printable(type));
    if (typed) continue;
    LQ_CHECK(part.is_object() && part.contains("text") && part["text"].is_string(), kCorruptFile,
             "{}: a part should be a text, or an object with a 'type'", where);
    Json whole = {{"type", "text"}};
    whole.update(part);
    whole["type"] = "text";
    part = std::move(whole);
    any = true;
  }
  return any;
}

bool is_empty_message(const Json& message) {
  for (const auto& [key, value] : message.items()) {
    const bool label = key == "role" || key == "name" || key == "id" || key == "tool_call_id";
    const bool says = value.is_structured() || value.is_string();
    if (!label && says && !says_nothing(value)) return false;
  }
  return true;
}

}  // namespace lq
