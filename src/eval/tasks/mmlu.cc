#include <algorithm>
#include <array>

#include "eval/tasks/tasks.h"

namespace lq::tasks {
namespace {

struct Subject {
  std::string_view name, category;
};

// The 57 subjects, as the benchmark's authors sort them.
constexpr auto kSubjects = std::to_array<Subject>({
    {"abstract_algebra", "stem"},
    {"anatomy", "stem"},
    {"astronomy", "stem"},
    {"business_ethics", "other"},
    {"clinical_knowledge", "other"},
    {"college_biology", "stem"},
    {"college_chemistry", "stem"},
    {"college_computer_science", "stem"},
    {"college_mathematics", "stem"},
    {"college_medicine", "other"},
    {"college_physics", "stem"},
    {"computer_security", "stem"},
    {"conceptual_physics", "stem"},
    {"econometrics", "social_sciences"},
    {"electrical_engineering", "stem"},
    {"elementary_mathematics", "stem"},
    {"formal_logic", "humanities"},
    {"global_facts", "other"},
    {"high_school_biology", "stem"},
    {"high_school_chemistry", "stem"},
    {"high_school_computer_science", "stem"},
    {"high_school_european_history", "humanities"},
    {"high_school_geography", "social_sciences"},
    {"high_school_government_and_politics", "social_sciences"},
    {"high_school_macroeconomics", "social_sciences"},
    {"high_school_mathematics", "stem"},
    {"high_school_microeconomics", "social_sciences"},
    {"high_school_physics", "stem"},
    {"high_school_psychology", "social_sciences"},
    {"high_school_statistics", "stem"},
    {"high_school_us_history", "humanities"},
    {"high_school_world_history", "humanities"},
    {"human_aging", "other"},
    {"human_sexuality", "social_sciences"},
    {"international_law", "humanities"},
    {"jurisprudence", "humanities"},
    {"logical_fallacies", "humanities"},
    {"machine_learning", "stem"},
    {"management", "other"},
    {"marketing", "other"},
    {"medical_genetics", "other"},
    {"miscellaneous", "other"},
    {"moral_disputes", "humanities"},
    {"moral_scenarios", "humanities"},
    {"nutrition", "other"},
    {"philosophy", "humanities"},
    {"prehistory", "humanities"},
    {"professional_accounting", "other"},
    {"professional_law", "humanities"},
    {"professional_medicine", "other"},
    {"professional_psychology", "social_sciences"},
    {"public_relations", "social_sciences"},
    {"security_studies", "social_sciences"},
    {"sociology", "social_sciences"},
    {"us_foreign_policy", "social_sciences"},
    {"virology", "other"},
    {"world_religions", "humanities"},
});

}  // namespace

std::string_view mmlu_category(const std::string& subject) {
  const auto it =
      std::find_if(kSubjects.begin(), kSubjects.end(), [&](const Subject& s) { return s.name == subject; });
  return it == kSubjects.end() ? std::string_view() : it->category;
}

std::string mmlu_description(const std::string& subject) {
  std::string words = subject;
  std::replace(words.begin(), words.end(), '_', ' ');
  return "The following are multiple choice questions (with answers) about " + words + ".\n\n";
}

// Columns question, choice0 to choice3 (or A to D), answer as a number or a letter; or the hub's question,
// choices, answer.
TaskItem mmlu_item(const TaskRecord& record) {
  std::string question = record.text("question");
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!question.empty() && space(question.back())) question.pop_back();
  question.erase(0, static_cast<std::size_t>(std::find_if_not(question.begin(), question.end(), space) -
                                             question.begin()));
  std::vector<std::string> texts;
  if (record.has("choices")) {
    texts = record.texts("choices");
  } else {
    const bool letters = record.has("A");
    for (int i = 0; i < 4; ++i) {
      texts.push_back(
          record.text(letters ? std::string(1, static_cast<char>('A' + i)) : "choice" + std::to_string(i)));
    }
  }
  if (texts.size() != 4) record.refuse("choices", "four choices");
  TaskItem item;
  item.group = record.has("subject") ? record.text("subject") : record.group();
  const auto answer = record.json().find("answer");
  const std::string letter =
      answer != record.json().end() && answer->is_string() ? answer->get<std::string>() : "";
  item.gold =
      letter.size() == 1 && letter[0] >= 'A' && letter[0] <= 'D' ? letter[0] - 'A' : record.integer("answer");
  if (item.gold < 0 || item.gold > 3) record.refuse("answer", "0 to 3 or A to D");
  std::string context = question;
  item.choices = {"A", "B", "C", "D"};
  for (std::size_t i = 0; i < 4; ++i) context += "\n" + item.choices[i] + ". " + texts[i];
  context += "\nAnswer:";
  item.shot = context + " " + item.choices[static_cast<std::size_t>(item.gold)];
  item.contexts = {std::move(context)};
  return item;
}

}  // namespace lq::tasks
