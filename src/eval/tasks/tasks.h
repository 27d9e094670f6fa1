// One function a benchmark: how a record of its published files becomes a question (eval/task.h). The
// prompts, choices and scores are those of lm-evaluation-harness 0.4.13, task by task.
#pragma once

#include <string>
#include <string_view>

#include "eval/task.h"

namespace lq::tasks {

TaskItem arc_item(const TaskRecord& record);             // ARC (Clark 2018): Easy and Challenge
TaskItem openbookqa_item(const TaskRecord& record);      // OpenBookQA (Mihaylov 2018)
TaskItem hellaswag_item(const TaskRecord& record);       // HellaSwag (Zellers 2019)
TaskItem winogrande_item(const TaskRecord& record);      // WinoGrande (Sakaguchi 2019)
TaskItem piqa_item(const TaskRecord& record);            // PIQA (Bisk 2020)
TaskItem boolq_item(const TaskRecord& record);           // BoolQ (Clark 2019)
TaskItem truthfulqa_mc1_item(const TaskRecord& record);  // TruthfulQA (Lin 2021)
TaskItem truthfulqa_mc2_item(const TaskRecord& record);
TaskItem mmlu_item(const TaskRecord& record);      // MMLU (Hendrycks 2021)
TaskItem gsm8k_item(const TaskRecord& record);     // GSM8K (Cobbe 2021)
TaskItem lambada_item(const TaskRecord& record);   // LAMBADA (Paperno 2016)
TaskItem wikitext_item(const TaskRecord& record);  // WikiText-2 (Merity 2016)

// The text with every `from`, left to right, changed into `to`.
std::string replaced(const std::string& text, const std::string& from, const std::string& to);
// HellaSwag's texts without the marks of the WikiHow part.
std::string hellaswag_text(std::string_view text);
// WikiText's tokenized text as people write it.
std::string wikitext_detokenized(std::string_view page);
// "high_school_us_history" -> "humanities"; empty for a subject that is not MMLU's.
std::string_view mmlu_category(const std::string& subject);
std::string mmlu_description(const std::string& subject);
// The number behind "#### ", plain, or "[invalid]".
std::string gsm8k_strict(const std::string& text);
// exact_match_strict and exact_match_flexible of a generated text against "... #### 42".
ItemScores gsm8k_score(const TaskItem& item, const TaskAnswer& answer);
ItemScores truthfulqa_mc2_score(const TaskItem& item, const TaskAnswer& answer);

}  // namespace lq::tasks
