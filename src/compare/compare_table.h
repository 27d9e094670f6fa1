// A comparison as text: for people, and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "compare/compare_result.h"
#include "compare/text_table.h"

namespace lq {

// One row for every method and budget, with the perplexities on one of the texts. "-" stands where there is
// nothing (yet).
TextTable compare_text_table(const CompareTable& table, std::size_t text);
// The benchmarks as columns, one row for every method and budget: the score before and after fine-tuning.
TextTable compare_task_table(const CompareTable& table);
// What the columns mean, what was shared and left out: lines to print below.
std::vector<std::string> compare_remarks(const CompareTable& table);

// A table for every text, and the remarks.
std::string compare_table_markdown(const CompareTable& table);

// {"model", "model_hash", "rank", "seeds", "texts", "seq_len", "dense_perplexity": [text],
//  "shared": [{"name", "seconds"}],
//  "rows": [{"method", "title", "budget", "lr", "why_not" or
//            "bits_per_weight", "bits_per_weight_with_low_rank", "relative_error", "quantize_seconds",
//            "quantize_peak_rss_bytes", "seconds" and "peak_rss_bytes" of fine-tuning (mean, most),
//            "final_loss", "texts": [{"perplexity_before", "kl_before", "perplexity", "spread", "above_lora",
//            "above_lora_spread"}], "tasks": [{"task", "metric", "before", "flips", "after", "spread"}],
//            "runs": [...], "failed": [{"seed", "lr", "failure"}] where there are any,
//            "trials": [...] where there were several rates}],
//  "tasks": [{"task", "metric", "dense"}]}
// Means are over seeds, spreads sample standard deviations. What is not known is null.
nlohmann::ordered_json compare_table_json(const CompareTable& table);

}  // namespace lq
