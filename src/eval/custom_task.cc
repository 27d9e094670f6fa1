#include "eval/custom_task.h"

#include <charconv>
#include <memory>
#include <optional>

#include "base/error.h"
#include "files/file_descriptor.h"
#include "files/toml_file.h"
#include "templates/jinja.h"
#include "unicode/case_mapping.h"
#include "unicode/regex.h"
#include "unicode/utf8.h"

namespace lq {
namespace {

constexpr std::uint64_t kTaskFileLimit = 1'000'000;  // bytes
constexpr const char* kNoMatch = "[invalid]";        // the harness's word for it

// What the file says, shared by the task's functions.
struct CustomDefinition {
  std::optional<Jinja> prompt, answer;
  std::vector<Jinja> choices;
  std::string choices_field;
  std::string delimiter;
  bool normalised = false;
  std::optional<Regex> regex;
  bool last = false;
  bool ignore_case = false;
};

Jinja jinja_of(std::string text, const std::string& who) {
  // Jinja drops one line end at a template's end; the harness keeps it.
  if (text.ends_with('\n')) text += '\n';
  return {text, who};
}

std::string rendered(const Jinja& jinja, const TaskRecord& record) {
  try {
    return jinja.render(record.json(), {.now = {}, .strict = true});
  } catch (const Error& e) {
    fail(ErrorCode::kCorruptFile, "{}: {}", record.place(), e.what());
  }
}

std::vector<std::string> choices_of(const CustomDefinition& d, const TaskRecord& record) {
  if (!d.choices_field.empty()) return record.texts(d.choices_field);
  std::vector<std::string> all;
  for (const Jinja& choice : d.choices) all.push_back(rendered(choice, record));
  return all;
}

// A choice's number from 0, or its text.
std::int64_t gold_of(const std::string& answer, const std::vector<std::string>& choices,
                     const TaskRecord& record) {
  std::int64_t number = 0;
  const char* end = answer.data() + answer.size();
  const auto [to, error] = std::from_chars(answer.data(), end, number);
  if (error == std::errc() && to == end && number >= 0 && number < std::ssize(choices)) return number;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] == answer) return static_cast<std::int64_t>(i);
  }
  fail(ErrorCode::kCorruptFile, "{}: the answer '{}' is none of the {} choices, nor its number from 0",
       record.place(), answer, choices.size());
}

TaskItem choice_item(const CustomDefinition& d, const TaskRecord& record) {
  TaskItem item;
  item.contexts = {rendered(*d.prompt, record)};
  item.choices = choices_of(d, record);
  LQ_CHECK(item.choices.size() >= 2, kCorruptFile, "{}: {} choices, but it takes two", record.place(),
           item.choices.size());
  item.gold = gold_of(rendered(*d.answer, record), item.choices, record);
  item.shot = item.contexts[0] + d.delimiter + item.choices[static_cast<std::size_t>(item.gold)];
  return item;
}

TaskItem text_item(const CustomDefinition& d, const TaskRecord& record) {
  TaskItem item;
  item.contexts = {rendered(*d.prompt, record)};
  item.answer = rendered(*d.answer, record);
  item.shot = item.contexts[0] + d.delimiter + item.answer;
  return item;
}

std::string stripped(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kSpace) + 1 - first));
}

// What a match gives, as re.findall: the first group that holds anything, or the whole where there are none.
std::string matched(std::string_view text, const Regex::Groups& groups) {
  for (std::size_t i = 1; i < groups.size(); ++i) {
    const auto [begin, end] = groups[i];
    if (begin != std::string::npos && end > begin) return stripped(text.substr(begin, end - begin));
  }
  if (groups.size() > 1) return kNoMatch;
  return stripped(text.substr(groups[0].first, groups[0].second - groups[0].first));
}

std::string extracted(const CustomDefinition& d, const std::string& text) {
  if (!d.regex) return text;
  std::string found = kNoMatch;
  for (std::size_t from = 0; from <= text.size();) {
    const auto groups = d.regex->find_groups(text, from);
    if (!groups) break;
    found = matched(text, *groups);
    if (!d.last) break;
    from = std::max(groups->front().second, from + 1);
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80U) ++from;
  }
  return found;
}

// As two answers are compared.
std::string compared(const CustomDefinition& d, const std::string& answer) {
  return d.ignore_case ? unicode::lower(answer) : answer;
}

ItemScores exact_match(const CustomDefinition& d, const TaskItem& item, const TaskAnswer& answer) {
  const bool same = compared(d, extracted(d, utf8::repair(answer.text))) == compared(d, item.answer);
  return {{"exact_match", same ? 1.0 : 0.0}};
}

Split split_of(TomlFile& file, std::string_view key, Split otherwise) {
  const auto name = file.text(key);
  if (!name) return otherwise;
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    if (*name == split_name(split)) return split;
  }
  file.refuse(key, "is no split: train, validation or test");
}

std::string required(TomlFile& file, std::string_view key, const std::string& what) {
  const auto text = file.text(key);
  if (!text || text->empty()) file.refuse(key, "is missing: " + what);
  return *text;
}

void read_choice_task(TomlFile& file, const std::string& who, CustomDefinition& d) {
  const auto choices = file.texts("choices");
  const auto field = file.text("choices-field");
  if (choices.has_value() == field.has_value())
    file.refuse("choices", "or choices-field is needed, and only one of them");
  if (field) d.choices_field = *field;
  if (choices) {
    for (const std::string& choice : *choices) d.choices.push_back(jinja_of(choice, who + ": choices"));
  }
  for (const std::string& metric : file.texts("metrics").value_or(std::vector<std::string>{"acc"})) {
    if (metric == "acc_norm") {
      d.normalised = true;
    } else if (metric != "acc") {
      file.refuse("metrics", "holds \"" + metric + "\": of choices there are acc and acc_norm");
    }
  }
}

void read_generate_task(TomlFile& file, const std::string& who, CustomDefinition& d, Task& task) {
  for (const std::string& metric : file.texts("metrics").value_or(std::vector<std::string>{})) {
    if (metric != "exact_match")
      file.refuse("metrics", "holds \"" + metric + "\": of texts there is exact_match");
  }
  if (const auto pattern = file.text("regex")) d.regex.emplace(*pattern, who);
  const std::string take = file.text("take").value_or("first");
  if (take != "first" && take != "last") file.refuse("take", "is neither first nor last");
  d.last = take == "last";
  d.ignore_case = file.flag("ignore-case").value_or(false);
  task.stop = file.texts("stop").value_or(std::vector<std::string>{});
  task.max_new_tokens = file.integer("max-tokens").value_or(task.max_new_tokens);
  if (task.max_new_tokens < 1) file.refuse("max-tokens", "is not a number above 0");
}

}  // namespace

Task parse_custom_task(std::string_view text, const std::filesystem::path& path) {
  const std::string who = path.string();
  TomlFile file(text, who);
  Task task;
  auto d = std::make_shared<CustomDefinition>();
  task.name = required(file, "name", "what the task is called, and the folder of its data");
  if (task.name.find_first_of("/, ") != std::string::npos || task.name.starts_with('.'))
    file.refuse("name", "is no name of a folder");
  task.folder = task.name;
  task.source = who;
  const std::string kind = file.text("kind").value_or("choice");
  if (kind != "choice" && kind != "generate") file.refuse("kind", "is neither choice nor generate");
  task.kind = kind == "choice" ? TaskKind::kChoice : TaskKind::kGenerate;
  d->prompt.emplace(jinja_of(required(file, "prompt", "what is asked, as Jinja"), who + ": prompt"));
  d->answer.emplace(jinja_of(required(file, "answer", "what is right, as Jinja"), who + ": answer"));
  task.delimiter = file.text("delimiter").value_or(" ");
  d->delimiter = task.delimiter;
  task.split = split_of(file, "split", Split::kTest);
  task.shots_from = split_of(file, "shots-from", Split::kTrain);
  task.draws_spare = task.split == Split::kTest ? task.shots_from == Split::kTest : !file.has("shots-from");
  const std::int64_t shots = file.integer("shots").value_or(0);
  if (shots < 0 || shots > 1000) file.refuse("shots", "is not 0 to 1000");
  task.shots = static_cast<int>(shots);
  const std::string order = file.text("shot-order").value_or("drawn");
  if (order != "drawn" && order != "first") file.refuse("shot-order", "is neither drawn nor first");
  task.shot_order = order == "first" ? ShotOrder::kFirst : ShotOrder::kDrawn;
  if (const auto description = file.text("description"))
    task.description = [words = *description](const std::string&) { return words; };
  if (task.kind == TaskKind::kChoice) {
    read_choice_task(file, who, *d);
    task.quoted = d->normalised ? "acc_norm" : "acc";
    task.item = [d](const TaskRecord& record) { return choice_item(*d, record); };
    task.score = [d](const TaskItem& item, const TaskAnswer& answer) {
      return score_choice(item, answer, d->normalised);
    };
  } else {
    read_generate_task(file, who, *d, task);
    task.quoted = "exact_match";
    task.extracted = [d](const std::string& text) { return compared(*d, extracted(*d, utf8::repair(text))); };
    task.item = [d](const TaskRecord& record) { return text_item(*d, record); };
    task.score = [d](const TaskItem& item, const TaskAnswer& answer) {
      return exact_match(*d, item, answer);
    };
  }
  file.refuse_unknown();
  return task;
}

Task read_custom_task(const std::filesystem::path& file) {
  return parse_custom_task(read_file(file, kTaskFileLimit), file);
}

}  // namespace lq
