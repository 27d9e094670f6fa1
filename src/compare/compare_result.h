// What a comparison finds out: for every method and budget the base, and a fine-tuning for every seed.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compare/compare_method.h"

namespace lq {

// One model on one text.
struct TextScore {
  double perplexity = 0.0;
  double nll_per_token = 0.0;
  std::int64_t tokens = 0;
  std::optional<double> kl;  // KL(dense || model), nats a token; of bases only
};

// One model on one benchmark, by the metric that people quote of it (acc_norm where the task has it).
struct TaskScore {
  std::string metric;
  double value = 0.0;
  std::optional<double> flips;  // share of answers that differ from the dense model's; of bases only
};

struct CompareBase {
  double bits = 0.0;            // per weight of the selected matrices, as stored
  double relative_error = 0.0;  // of the decomposition; 0 for the dense base
  std::optional<double>
      seconds;  // of the decomposition; shared stages left out; nothing where a kill lost it
  std::int64_t peak_rss_bytes = 0;
  std::vector<TextScore> texts;                        // with its low-rank factors, before fine-tuning
  std::vector<TaskScore> tasks;                        // likewise
  std::vector<std::pair<std::string, double>> shared;  // stages that it was made from: name, seconds
};

struct CompareRun {
  std::uint64_t seed = 0;
  double lr = 0.0;
  std::int64_t steps = 0;
  double final_loss = 0.0;  // of the last step, nats a token
  // On the validation examples: of the weights that were kept. Nothing without such examples.
  std::optional<double> validation_loss;
  double seconds = 0.0;  // of training, over all runs that a kill cut it into
  double tokens_per_second = 0.0;
  std::int64_t peak_rss_bytes = 0;
  double bits_with_low_rank = 0.0;
  std::vector<TextScore> texts;
  std::vector<TaskScore> tasks;
  // Of a task: the mean of its metrics on the validation examples, and each of them.
  std::optional<double> score = {};
  std::map<std::string, double> metrics = {};
  // Why it has no numbers: the rate was too large for them, say. All but seed and rate is as above then.
  std::string failure = {};
};

struct CompareRow {
  CompareMethod method = CompareMethod::kLora;
  double budget = 0.0;  // bits asked for; 0 for the dense base
  double lr = 0.0;      // of fine-tuning; 0: still to be picked
  std::string why_not;  // the method has no such model; no base then
  std::optional<CompareBase> base;
  std::vector<CompareRun> runs;         // finished ones, in the order of the seeds
  std::vector<CompareRun> trials;       // of the first seed, one for each rate where there are several
  std::vector<CompareRun> failed = {};  // those that have no numbers, in neither list
};

struct CompareTable {
  std::string model, model_hash;
  std::int64_t rank = 0;
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> texts;  // file names
  std::int64_t seq_len = 0;        // of the texts' windows
  std::vector<TextScore> dense;    // of the dense model, before anything is learnt
  std::vector<CompareRow> rows;
  std::vector<std::string> tasks;      // names of benchmarks
  std::vector<TaskScore> dense_tasks;  // as dense
};

// Stages that the table's bases were made from, each once: name, seconds.
std::vector<std::pair<std::string, double>> shared_stages(const CompareTable& table);

// Mean and sample standard deviation.
struct Spread {
  double mean = 0.0;
  std::optional<double> deviation;  // nothing for one value
  std::size_t count = 0;
};
Spread spread_of(const std::vector<double>& values);

// Of trials at several rates the one with the best score (of a task), else the least validation loss, the
// first of equal ones; none or NaN comes last. REQUIRES: some.
const CompareRun& best_trial(const std::vector<CompareRun>& trials);

// Perplexity after fine-tuning on text `text`, over the row's seeds; nothing without runs.
std::optional<Spread> perplexity_after(const CompareRow& row, std::size_t text);
// The same of a benchmark's score.
std::optional<Spread> task_after(const CompareRow& row, std::size_t task);
// Perplexity less that of dense LoRA with the same seed: the noise that both share cancels. Nothing where
// there is no such row, or no seed that both have.
std::optional<Spread> above_lora(const CompareTable& table, const CompareRow& row, std::size_t text);

// JSON has no other numbers.
nlohmann::json finite_or_null(double x);
nlohmann::json to_json(const CompareBase& base);
nlohmann::json to_json(const CompareRun& run);
// Throw Error(kCorruptFile) starting with `who`.
CompareBase compare_base_from_json(const nlohmann::json& json, const std::string& who);
CompareRun compare_run_from_json(const nlohmann::json& json, const std::string& who);

}  // namespace lq
