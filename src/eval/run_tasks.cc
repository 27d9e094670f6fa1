#include "eval/run_tasks.h"

#include <cmath>
#include <map>

#include "base/error.h"
#include "base/process.h"
#include "eval/greedy_texts.h"
#include "eval/likelihood.h"
#include "eval/requests.h"
#include "eval/task_scores.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

// What one model, or a model beside its reference, made of all documents.
struct Answers {
  std::vector<TaskAnswer> ours, theirs;  // theirs: empty without a reference
  double kl = 0.0;                       // summed over `scored` tokens
  std::int64_t scored = 0, requests = 0, truncated = 0, tokens = 0, computed = 0;
};

std::vector<LikelihoodRequest> requests_of(const Tokenizer& tokenizer, const Task& task,
                                           const AskedItem& asked, std::int64_t max_length) {
  if (task.kind == TaskKind::kRolling) return rolling_requests(tokenizer, asked.item.text, max_length);
  std::vector<LikelihoodRequest> all;
  for (std::size_t i = 0; i < asked.item.choices.size(); ++i) {
    const std::string& context = asked.item.contexts[asked.item.contexts.size() == 1 ? 0 : i];
    all.push_back(likelihood_request(tokenizer, asked.before + context,
                                     task.delimiter + asked.item.choices[i], max_length));
  }
  return all;
}

Answers likelihood_answers(Context& ctx, const Model& model, const Tokenizer& tokenizer, const Task& task,
                           const std::vector<AskedItem>& asked, std::int64_t max_length,
                           const Model* reference, AnswerStore* store) {
  std::vector<LikelihoodRequest> requests;
  std::vector<std::size_t> starts = {0};
  for (const AskedItem& item : asked) {
    for (LikelihoodRequest& r : requests_of(tokenizer, task, item, max_length))
      requests.push_back(std::move(r));
    starts.push_back(requests.size());
  }
  const LikelihoodReport report =
      log_likelihoods(ctx, model, requests, {.reference = reference, .store = store});
  Answers answers;
  answers.requests = std::ssize(requests);
  answers.tokens = report.tokens;
  answers.computed = report.computed;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    TaskAnswer ours;
    TaskAnswer theirs;
    for (std::size_t k = starts[i]; k < starts[i + 1]; ++k) {
      const Likelihood& l = report.likelihoods[k];
      ours.log_likelihoods.push_back(l.log_likelihood);
      ours.greedy.push_back(l.greedy);
      theirs.log_likelihoods.push_back(l.reference);
      theirs.greedy.push_back(l.reference_greedy);
      answers.kl += l.kl;
      answers.scored += requests[k].scored;
      answers.truncated += requests[k].truncated ? 1 : 0;
    }
    answers.ours.push_back(std::move(ours));
    if (reference != nullptr) answers.theirs.push_back(std::move(theirs));
  }
  return answers;
}

std::vector<TaskAnswer> generated_answers(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                                          const Task& task, const std::vector<AskedItem>& asked,
                                          std::int64_t max_length, const TaskOptions& options,
                                          AnswerStore* store, Answers& counts) {
  const std::int64_t most = options.max_new_tokens > 0 ? options.max_new_tokens : task.max_new_tokens;
  LQ_CHECK(max_length > most, kInvalidArgument,
           "[tasks] {}: an answer of {} tokens leaves no room for a question in the model's {}", task.name,
           most, max_length);
  const auto room = static_cast<std::size_t>(max_length - most);
  std::vector<std::vector<std::int32_t>> prompts;
  for (const AskedItem& item : asked) {
    std::vector<std::int32_t> ids = prompt_ids(tokenizer, item.before + item.item.contexts[0]);
    if (ids.size() > room) {
      ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(room));
      ++counts.truncated;
    }
    ++counts.requests;
    prompts.push_back(std::move(ids));
  }
  std::vector<TaskAnswer> answers(asked.size());
  const GenerationConfig file = GenerationConfig::load(model.checkpoint()->folder());
  if (!file.ignored.empty()) {
    ctx.progress.note(fmt::format("{}: generation_config.json: {}", task.name, file.not_followed()));
  }
  std::vector<std::string> texts = greedy_texts(
      ctx, model, tokenizer, prompts, {.max_tokens = most, .stop = task.stop, .file = file, .store = store});
  for (std::size_t i = 0; i < texts.size(); ++i) answers[i].text = std::move(texts[i]);
  return answers;
}

// Perplexities of the texts by words, bytes and tokens, as the names say.
Json rolling_scores(const std::vector<AskedItem>& asked, const Answers& answers, std::int64_t max_length) {
  double sum = 0.0;
  double words = 0.0;
  double bytes = 0.0;
  LQ_CHECK(answers.scored > 0, kInvalidArgument, "[tasks] the texts have no token to predict");
  for (std::size_t i = 0; i < asked.size(); ++i) {
    for (const double l : answers.ours[i].log_likelihoods) sum += l;
    words += static_cast<double>(asked[i].item.words);
    bytes += static_cast<double>(asked[i].item.bytes);
  }
  return {{"word_perplexity", std::exp(-sum / words)},
          {"byte_perplexity", std::exp(-sum / bytes)},
          {"bits_per_byte", -sum / bytes / std::log(2.0)},
          {"token_perplexity", std::exp(-sum / static_cast<double>(answers.scored))},
          {"documents", asked.size()},
          {"tokens_predicted", answers.scored},
          {"convention",
           fmt::format("each token once, in windows of {}, the first behind {}", max_length, "BOS or EOS")}};
}

// What the same documents say of the difference to the reference.
void add_distance(const Task& task, const std::vector<TaskItem>& items, const std::vector<ItemScores>& scores,
                  const Answers& answers, Json& json) {
  std::vector<double> flips;
  std::vector<double> flips_norm;  // where a document has an acc_norm
  std::vector<double> reference;
  std::vector<double> difference;
  const auto text_of = [&task](const TaskAnswer& a) {
    return task.extracted ? task.extracted(a.text) : a.text;
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    const TaskAnswer& ours = answers.ours[i];
    const TaskAnswer& theirs = answers.theirs[i];
    const auto differ = [](const auto& a, const auto& b) { return a == b ? 0.0 : 1.0; };
    if (task.kind == TaskKind::kChoice) {
      flips.push_back(differ(predicted_choice(ours), predicted_choice(theirs)));
      if (scores[i].contains("acc_norm")) {
        const TaskItem& item = items[i];
        flips_norm.push_back(
            differ(predicted_choice_by_length(item, ours), predicted_choice_by_length(item, theirs)));
      }
    } else if (task.kind == TaskKind::kGenerate) {
      flips.push_back(differ(text_of(ours), text_of(theirs)));
    } else if (task.kind == TaskKind::kLastWord) {
      flips.push_back(differ(ours.greedy[0], theirs.greedy[0]));
    }
    if (task.kind != TaskKind::kChoice && task.kind != TaskKind::kLastWord) continue;
    const double acc = task.score(items[i], theirs).at("acc");
    reference.push_back(acc);
    difference.push_back(scores[i].at("acc") - acc);
  }
  if (!flips.empty()) json["flips"] = mean_and_error(flips).mean;
  if (!flips_norm.empty()) json["flips_norm"] = mean_and_error(flips_norm).mean;
  if (answers.scored > 0) json["kl"] = answers.kl / static_cast<double>(answers.scored);
  if (difference.empty()) return;
  const MeanAndError d = mean_and_error(difference);
  json["reference_acc"] = mean_and_error(reference).mean;
  json["acc_difference"] = d.mean;
  json["acc_difference_stderr"] = d.standard_error;
}

void log_samples(const TaskOptions& options, const Task& task, const std::vector<AskedItem>& asked,
                 const std::vector<ItemScores>& scores, const Answers& answers) {
  if (!options.on_sample) return;
  std::map<std::string, std::int64_t> counts;  // documents of each group
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const TaskItem& item = asked[i].item;
    Json line = {{"task", task.name}, {"doc_id", counts[item.group]++}};
    if (!item.group.empty()) line["group"] = item.group;
    if (item.contexts.size() == 1) line["context"] = asked[i].before + item.contexts[0];
    if (item.contexts.size() > 1) {  // one for each choice
      line["contexts"] = Json::array();
      for (const std::string& context : item.contexts) line["contexts"].push_back(asked[i].before + context);
    }
    if (!item.text.empty()) line["text"] = item.text;
    if (!item.choices.empty()) line["choices"] = item.choices;
    if (task.kind == TaskKind::kChoice) line["target"] = item.gold;
    if (task.kind == TaskKind::kGenerate) {
      line["target"] = item.answer;
      line["answer"] = answers.ours[i].text;
    } else {
      line["log_likelihoods"] = answers.ours[i].log_likelihoods;
      line["greedy"] = answers.ours[i].greedy;
    }
    for (const auto& [metric, value] : scores[i]) line[metric] = value;
    options.on_sample(line);
  }
}

}  // namespace

Json run_task(Context& ctx, const Model& model, const Tokenizer& tokenizer, const Task& task,
              const TaskOptions& options) {
  const double begin = monotonic_seconds();
  const std::int64_t longest = model.spec().max_positions;
  const std::int64_t max_length = options.max_length > 0 ? options.max_length : longest;
  check_sequence_length(model.spec(), max_length, "[tasks] max-length");
  const std::vector<AskedItem> asked = asked_items(task, options);
  Answers answers;
  if (task.kind == TaskKind::kGenerate) {
    answers.ours =
        generated_answers(ctx, model, tokenizer, task, asked, max_length, options, options.store, answers);
    Answers unused;
    if (options.reference != nullptr) {
      answers.theirs = generated_answers(ctx, *options.reference, tokenizer, task, asked, max_length, options,
                                         options.reference_store, unused);
    }
  } else {
    answers =
        likelihood_answers(ctx, model, tokenizer, task, asked, max_length, options.reference, options.store);
  }
  std::vector<TaskItem> items;
  std::vector<ItemScores> scores;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    items.push_back(asked[i].item);
    scores.push_back(task.score(asked[i].item, answers.ours[i]));
  }
  Json json = task.kind == TaskKind::kRolling ? rolling_scores(asked, answers, max_length)
                                              : task_scores(task, items, scores);
  if (task.kind == TaskKind::kLastWord) {
    double sum = 0.0;
    for (const TaskAnswer& answer : answers.ours) sum += answer.log_likelihoods[0];
    json["perplexity"] = std::exp(-sum / static_cast<double>(asked.size()));
  }
  json["shots"] = options.shots >= 0 ? options.shots : task.shots;
  json["requests"] = answers.requests;
  json["truncated"] = answers.truncated;
  if (options.reference != nullptr) add_distance(task, items, scores, answers, json);
  if (answers.tokens > 0) {
    json["tokens"] = answers.tokens;
    json["tokens_computed"] = answers.computed;
  }
  json["seconds"] = monotonic_seconds() - begin;
  log_samples(options, task, asked, scores, answers);
  return json;
}

}  // namespace lq
