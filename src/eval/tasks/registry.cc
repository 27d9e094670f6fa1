#include <algorithm>

#include "base/edit_distance.h"
#include "base/error.h"
#include "eval/tasks/tasks.h"

namespace lq {
namespace {

ItemScores acc(const TaskItem& item, const TaskAnswer& answer) { return score_choice(item, answer, false); }
ItemScores acc_norm(const TaskItem& item, const TaskAnswer& answer) {
  return score_choice(item, answer, true);
}
ItemScores mc1(const TaskItem& item, const TaskAnswer& answer) {
  ItemScores scores = score_choice(item, answer, false);
  scores["mc1"] = scores["acc"];
  return scores;
}
ItemScores greedy(const TaskItem&, const TaskAnswer& answer) {
  return {{"acc", answer.greedy[0] ? 1.0 : 0.0}};
}
ItemScores none(const TaskItem&, const TaskAnswer&) { return {}; }

Task choice(const std::string& name, Split split, TaskItem (*item)(const TaskRecord&),
            ItemScores (*score)(const TaskItem&, const TaskAnswer&), const std::string& quoted,
            const std::string& source) {
  Task t;
  t.name = name;
  t.folder = name;
  t.split = split;
  t.item = item;
  t.score = score;
  t.quoted = quoted;
  t.source = source;
  return t;
}

double harness_version(std::string_view name) {
  if (name == "truthfulqa_mc2" || name == "gsm8k") return 3.0;
  return name == "truthfulqa_mc1" || name == "boolq" || name == "wikitext" || name == "mmlu" ? 2.0 : 1.0;
}

std::vector<Task> make_tasks() {
  using namespace tasks;
  std::vector<Task> all;
  Task mmlu = choice("mmlu", Split::kTest, mmlu_item, acc, "acc", "Hendrycks 2021");
  mmlu.shots_from = Split::kValidation;
  mmlu.shot_order = ShotOrder::kFirst;
  mmlu.shots = 5;
  mmlu.file_per_group = true;
  mmlu.description = mmlu_description;
  mmlu.category = mmlu_category;
  all.push_back(mmlu);
  all.push_back(choice("arc_easy", Split::kTest, arc_item, acc_norm, "acc_norm", "Clark 2018"));
  all.push_back(choice("arc_challenge", Split::kTest, arc_item, acc_norm, "acc_norm", "Clark 2018"));
  all.push_back(
      choice("hellaswag", Split::kValidation, hellaswag_item, acc_norm, "acc_norm", "Zellers 2019"));
  Task mc = choice("truthfulqa_mc1", Split::kValidation, truthfulqa_mc1_item, mc1, "acc", "Lin 2021");
  mc.folder = "truthfulqa";
  all.push_back(mc);
  mc.name = "truthfulqa_mc2";
  mc.item = truthfulqa_mc2_item;
  mc.score = truthfulqa_mc2_score;
  all.push_back(mc);
  all.push_back(choice("winogrande", Split::kValidation, winogrande_item, acc, "acc", "Sakaguchi 2019"));
  all.push_back(choice("openbookqa", Split::kTest, openbookqa_item, acc_norm, "acc_norm", "Mihaylov 2018"));
  all.push_back(choice("piqa", Split::kValidation, piqa_item, acc_norm, "acc_norm", "Bisk 2020"));
  all.push_back(choice("boolq", Split::kValidation, boolq_item, acc, "acc", "Clark 2019"));
  Task gsm8k = choice("gsm8k", Split::kTest, gsm8k_item, gsm8k_score, "exact_match_strict", "Cobbe 2021");
  gsm8k.kind = TaskKind::kGenerate;
  gsm8k.extracted = gsm8k_strict;
  gsm8k.shots = 5;
  gsm8k.stop = {"Question:", "</s>", "<|im_end|>"};
  all.push_back(gsm8k);
  Task lambada =
      choice("lambada", Split::kTest, lambada_item, greedy, "acc", "Paperno 2016, as OpenAI cut it");
  lambada.kind = TaskKind::kLastWord;
  all.push_back(lambada);
  Task wikitext =
      choice("wikitext", Split::kTest, wikitext_item, none, "word_perplexity", "Merity 2016, page by page");
  wikitext.kind = TaskKind::kRolling;
  all.push_back(wikitext);
  for (Task& task : all) {
    task.draws_spare = task.split == Split::kValidation;
    task.harness_name = task.name == "lambada" ? "lambada_openai" : task.name;
    task.harness_version = harness_version(task.name);
  }
  return all;
}

}  // namespace

const std::vector<Task>& all_tasks() {
  static const std::vector<Task> all = make_tasks();
  return all;
}

const Task& find_task(std::string_view name) {
  const auto& all = all_tasks();
  const auto it = std::find_if(all.begin(), all.end(), [&](const Task& t) { return t.name == name; });
  if (it != all.end()) return *it;
  const auto nearest = std::min_element(all.begin(), all.end(), [&](const Task& a, const Task& b) {
    return edit_distance(a.name, name) < edit_distance(b.name, name);
  });
  std::string known = "perplexity, vicuna";
  for (const Task& task : all) known += ", " + task.name;
  fail(ErrorCode::kInvalidArgument,
       "[tasks] no task '{}' (did you mean {}?); there are {}, and files that end in .toml", name,
       nearest->name, known);
}

const std::string& quoted_metric(const Task& task) {
  LQ_CHECK(!task.quoted.empty(), kInvalidArgument, "[tasks] task '{}' has no score that tables quote",
           task.name);
  return task.quoted;
}

std::int64_t predicted_choice(const TaskAnswer& answer) {
  const auto& ll = answer.log_likelihoods;
  return std::max_element(ll.begin(), ll.end()) - ll.begin();
}

}  // namespace lq
