// Questions with a few answers each, one function a benchmark.
#include "base/error.h"
#include "eval/tasks/tasks.h"
#include "unicode/case_mapping.h"
#include "unicode/regex.h"

namespace lq::tasks {
namespace {

TaskItem question(std::string context, std::vector<std::string> choices, std::int64_t gold,
                  const TaskRecord& record, std::string_view key) {
  if (gold < 0 || gold >= std::ssize(choices)) record.refuse(key, "one of the choices");
  TaskItem item;
  item.group = record.group();
  item.shot = context + " " + choices[static_cast<std::size_t>(gold)];
  item.contexts = {std::move(context)};
  item.choices = std::move(choices);
  item.gold = gold;
  return item;
}

// The choices of ARC and OpenBookQA: AI2's list of {text, label}, or the hub's {"text": [...], "label":
// [...]}.
struct LabelledChoices {
  std::vector<std::string> texts, labels;
};

LabelledChoices labelled_choices(const TaskRecord& record, const nlohmann::ordered_json& json) {
  LabelledChoices c;
  const auto take = [&](const nlohmann::ordered_json& value, std::vector<std::string>& to) {
    if (!value.is_string()) record.refuse("choices", "texts and labels");
    to.push_back(value.get<std::string>());
  };
  if (json.is_array()) {
    for (const auto& choice : json) {
      if (!choice.is_object() || !choice.contains("text") || !choice.contains("label"))
        record.refuse("choices", "texts and labels");
      take(choice["text"], c.texts);
      take(choice["label"], c.labels);
    }
  } else if (json.is_object() && json.contains("text") && json.contains("label") && json["text"].is_array() &&
             json["label"].is_array()) {
    for (const auto& text : json["text"]) take(text, c.texts);
    for (const auto& label : json["label"]) take(label, c.labels);
  }
  if (c.texts.empty() || c.texts.size() != c.labels.size()) record.refuse("choices", "texts and labels");
  return c;
}

std::int64_t label_index(const TaskRecord& record, const LabelledChoices& choices, std::string key) {
  const std::size_t first = key.find_first_not_of(" \t\n");
  key = first == std::string::npos ? "" : key.substr(first);
  for (std::size_t i = 0; i < choices.labels.size(); ++i) {
    if (choices.labels[i] == key) return static_cast<std::int64_t>(i);
  }
  record.refuse("answerKey", "the label of a choice");
}

// AI2 nests stem and choices under "question"; the hub does not.
TaskItem labelled_question(const TaskRecord& record, std::string_view stem_key, const char* before,
                           const char* behind) {
  const auto& json = record.json();
  const bool nested = json.contains("question") && json["question"].is_object();
  const auto& holder = nested ? json["question"] : json;
  const std::string key = nested ? "stem" : std::string(stem_key);
  if (!holder.contains(key) || !holder[key].is_string()) record.refuse(key, "a text");
  if (!holder.contains("choices")) record.refuse("choices", "texts and labels");
  LabelledChoices choices = labelled_choices(record, holder["choices"]);
  const std::int64_t gold = label_index(record, choices, record.text("answerKey"));
  return question(before + holder[key].get<std::string>() + behind, std::move(choices.texts), gold, record,
                  "answerKey");
}

}  // namespace

TaskItem arc_item(const TaskRecord& record) {
  return labelled_question(record, "question", "Question: ", "\nAnswer:");
}

TaskItem openbookqa_item(const TaskRecord& record) {
  return labelled_question(record, "question_stem", "", "");
}

std::string hellaswag_text(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  std::string s = replaced(std::string(text), " [title]", ". ");
  std::string without;  // what stands in brackets on one line
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t end = s[at] == '[' ? s.find_first_of("]\n", at) : std::string::npos;
    if (end != std::string::npos && s[end] == ']') {
      at = end + 1;
    } else {
      without += s[at++];
    }
  }
  return replaced(without, "  ", " ");
}

TaskItem hellaswag_item(const TaskRecord& record) {
  std::string query;
  if (record.has("ctx_a") && record.has("ctx_b")) {
    query = hellaswag_text(record.text("activity_label") + ": " + record.text("ctx_a") + " " +
                           unicode::capitalize(record.text("ctx_b")));
  } else {
    query = record.text("query");
  }
  std::vector<std::string> endings = record.texts("endings");
  for (std::string& ending : endings) ending = hellaswag_text(ending);
  return question(std::move(query), std::move(endings), record.integer("label"), record, "label");
}

TaskItem winogrande_item(const TaskRecord& record) {
  const std::string sentence = record.text("sentence");
  const std::size_t blank = sentence.find('_');
  if (blank == std::string::npos) record.refuse("sentence", "a text with a '_'");
  const std::string before = sentence.substr(0, blank);
  std::string behind = sentence.substr(blank + 1);
  behind.erase(0, std::min(behind.find_first_not_of(" \t\n\r"), behind.size()));
  behind.erase(behind.find_last_not_of(" \t\n\r") + 1);
  TaskItem item;
  item.contexts = {before + record.text("option1"), before + record.text("option2")};
  item.choices = {behind, behind};
  item.gold = record.integer("answer") - 1;
  if (item.gold != 0 && item.gold != 1) record.refuse("answer", "1 or 2");
  item.shot = item.contexts[static_cast<std::size_t>(item.gold)] + " " + behind;
  return item;
}

TaskItem piqa_item(const TaskRecord& record) {
  std::int64_t gold = 0;
  if (record.label().is_string()) {
    const std::string label = record.label().get<std::string>();
    if (label != "0" && label != "1") record.refuse("labels", "0 or 1");
    gold = label == "1" ? 1 : 0;
  } else {
    gold = record.integer("label");
  }
  return question("Question: " + record.text("goal") + "\nAnswer:",
                  {record.text("sol1"), record.text("sol2")}, gold, record, "label");
}

TaskItem boolq_item(const TaskRecord& record) {
  const auto& json = record.json();
  const bool named = json.contains("answer") && json["answer"].is_boolean();
  const std::int64_t gold = named ? (json["answer"].get<bool>() ? 1 : 0) : record.integer("label");
  return question(record.text("passage") + "\nQuestion: " + record.text("question") + "?\nAnswer:",
                  {"no", "yes"}, gold, record, "label");
}

}  // namespace lq::tasks
