#include "jobs/asked_tasks.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/option_error.h"
#include "eval/custom_task.h"

namespace lq {
namespace {

constexpr std::string_view kText = "perplexity";

AskedTask asked_of(const std::string& name, const EvalOptions& o) {
  AskedTask a;
  a.name = name;
  if (name == kText || name.starts_with("perplexity:")) {
    a.perplexity = true;
    a.window = o.text.seq_len;
    if (name.size() > kText.size()) {
      const char* begin = name.data() + kText.size() + 1;
      const char* end = name.data() + name.size();
      const auto [to, error] = std::from_chars(begin, end, a.window);
      LQ_CHECK(error == std::errc() && to == end && a.window >= 2, kInvalidArgument,
               "[tasks] '{}': a window is a number of tokens, 2 or more", name);
    }
  } else if (name == "vicuna") {
    a.chat = true;
  } else if (is_task_file(name)) {
    a.task = read_custom_task(name);
  } else {
    a.task = find_task(name);
  }
  return a;
}

// Options of tasks that are not asked for.
void refuse_idle(const EvalOptions& o, const std::vector<AskedTask>& all) {
  const bool text = std::ranges::any_of(all, [](const AskedTask& a) { return a.perplexity; });
  const bool chat = std::ranges::any_of(all, [](const AskedTask& a) { return a.chat; });
  const bool tasks = std::ranges::any_of(all, [](const AskedTask& a) { return !a.perplexity && !a.chat; });
  const EvalOptions open;
  const std::pair<std::string_view, bool> of_tasks[] = {{"limit", o.limit != open.limit && !chat},
                                                        {"num-fewshot", o.shots != open.shots},
                                                        {"log-samples", !o.samples.empty() && !chat}};
  for (const auto& [option, given] : of_tasks) {
    check_option(!given || tasks, option, "is of benchmarks, and `tasks` names none");
  }
  const std::pair<std::string_view, bool> of_chat[] = {{"format", !o.format.empty()},
                                                       {"model-id", !o.model_id.empty()},
                                                       {"reference-id", !o.reference_id.empty()}};
  for (const auto& [option, given] : of_chat) {
    check_option(!given || chat, option, "is of the task vicuna, which is not asked for");
  }
  check_option(o.text.field == open.text.field || text, "field", "is of perplexity, which is not asked for");
  const bool own_window = std::ranges::any_of(all, [](const AskedTask& a) { return a.name == kText; });
  check_option(o.text.seq_len == open.text.seq_len || own_window, "seq-len",
               "is the window of `perplexity`, which is not asked for (`perplexity:N` names its own)");
  const bool writes = std::ranges::any_of(
      all, [](const AskedTask& a) { return a.chat || (a.task && a.task->kind == TaskKind::kGenerate); });
  check_option(o.max_tokens == open.max_tokens || writes, "max-tokens",
               "is of answers that are generated, and `tasks` names none that are");
}

}  // namespace

std::vector<AskedTask> asked_tasks(const EvalOptions& o) {
  std::vector<AskedTask> all;
  bool chat = false;
  for (const std::string& name : o.tasks) {
    for (const AskedTask& before : all) {
      const bool same = before.name == name;
      LQ_CHECK(!same, kInvalidArgument, "`tasks` names {} twice", name);
    }
    AskedTask asked = asked_of(name, o);
    for (const AskedTask& before : all) {
      const bool same = before.task && asked.task && before.task->name == asked.task->name;
      LQ_CHECK(!same, kInvalidArgument,
               "`tasks`: {} and {} are both called {}, under which their results would stand", before.name,
               name, asked.task->name);
    }
    all.push_back(std::move(asked));
    chat = chat || all.back().chat;
  }
  LQ_CHECK(!chat || !o.answers.empty() || !o.judge_pairs.empty(), kInvalidArgument,
           "vicuna needs `answers` or `judge-pairs`: a file for what the model says");
  LQ_CHECK(chat || (o.answers.empty() && o.judge_pairs.empty()), kInvalidArgument,
           "`answers` and `judge-pairs` are of the task vicuna, which is not asked for");
  refuse_idle(o, all);
  LQ_CHECK(o.judge_pairs.empty() || !o.reference.empty(), kInvalidArgument,
           "`judge-pairs` needs `reference`: the other model");
  return all;
}

}  // namespace lq
