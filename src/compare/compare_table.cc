#include "compare/compare_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/process.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

template <typename Value>
std::optional<Spread> over_seeds(const CompareRow& row, const Value& value) {
  std::vector<double> values;
  for (const CompareRun& run : row.runs) values.push_back(static_cast<double>(value(run)));
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

std::optional<Spread> seconds_of(const CompareRow& row) {
  return over_seeds(row, [](const CompareRun& r) { return r.seconds; });
}
std::optional<Spread> loss_of(const CompareRow& row) {
  return over_seeds(row, [](const CompareRun& r) { return r.final_loss; });
}
std::optional<Spread> low_rank_bits_of(const CompareRow& row) {
  return over_seeds(row, [](const CompareRun& r) { return r.bits_with_low_rank; });
}
std::int64_t peak_of(const CompareRow& row) {
  std::int64_t most = 0;
  for (const CompareRun& run : row.runs) most = std::max(most, run.peak_rss_bytes);
  return most;
}

std::string mean_shown(const std::optional<Spread>& s, int digits) {
  return s ? fmt::format("{:.{}f}", s->mean, digits) : "-";
}

OrderedJson mean_json(const std::optional<Spread>& s) {
  return s ? OrderedJson(finite_or_null(s->mean)) : OrderedJson();
}
OrderedJson deviation_json(const std::optional<Spread>& s) {
  return s && s->deviation ? OrderedJson(finite_or_null(*s->deviation)) : OrderedJson();
}

std::vector<std::string> text_row(const CompareTable& table, const CompareRow& row, std::size_t text) {
  const std::string budget = budget_text(row);
  const std::string title(compare_method_title(row.method));
  if (!row.base) {
    std::vector<std::string> cells(11, "-");
    cells[0] = title;
    cells[1] = budget;
    cells[2] = row.why_not.empty() ? "-" : "none";
    return cells;
  }
  const TextScore& before = row.base->texts.at(text);
  const std::optional<Spread> above = above_lora(table, row, text);
  const std::int64_t peak = peak_of(row);
  return {title,
          budget,
          fmt::format("{:.3f}", row.base->bits),
          mean_shown(low_rank_bits_of(row), 3),
          fmt::format("{:.3f}", before.perplexity),
          before.kl ? fmt::format("{:.4f}", *before.kl) : "-",
          spread_text(perplexity_after(row, text), 3),
          spread_text(above, 3),
          mean_shown(loss_of(row), 4),
          mean_shown(seconds_of(row), 1),
          peak > 0 ? human_bytes(static_cast<double>(peak)) : "-"};
}

OrderedJson row_json(const CompareTable& table, const CompareRow& row) {
  OrderedJson json = {{"method", compare_method_name(row.method)},
                      {"title", compare_method_title(row.method)},
                      {"budget", row.budget > 0 ? OrderedJson(row.budget) : OrderedJson()},
                      {"lr", row.lr > 0 ? OrderedJson(row.lr) : OrderedJson()}};
  if (!row.why_not.empty()) json["why_not"] = row.why_not;
  if (!row.base) return json;
  json["bits_per_weight"] = row.base->bits;
  json["bits_per_weight_with_low_rank"] = mean_json(low_rank_bits_of(row));
  json["relative_error"] = row.base->relative_error;
  json["quantize_seconds"] = row.base->seconds ? OrderedJson(*row.base->seconds) : OrderedJson();
  json["quantize_peak_rss_bytes"] = row.base->peak_rss_bytes;
  json["seconds"] = mean_json(seconds_of(row));
  json["peak_rss_bytes"] = peak_of(row);
  json["final_loss"] = mean_json(loss_of(row));
  json["texts"] = OrderedJson::array();
  for (std::size_t i = 0; i < table.texts.size(); ++i) {
    const TextScore& before = row.base->texts.at(i);
    const auto after = perplexity_after(row, i);
    const auto above = above_lora(table, row, i);
    json["texts"].push_back({{"text", table.texts[i]},
                             {"perplexity_before", finite_or_null(before.perplexity)},
                             {"kl_before", before.kl ? OrderedJson(*before.kl) : OrderedJson()},
                             {"perplexity", mean_json(after)},
                             {"spread", deviation_json(after)},
                             {"above_lora", mean_json(above)},
                             {"above_lora_spread", deviation_json(above)}});
  }
  if (!table.tasks.empty()) json["tasks"] = OrderedJson::array();
  for (std::size_t i = 0; i < table.tasks.size(); ++i) {
    const TaskScore& before = row.base->tasks.at(i);
    const auto after = task_after(row, i);
    json["tasks"].push_back({{"task", table.tasks[i]},
                             {"metric", before.metric},
                             {"before", before.value},
                             {"flips", before.flips ? OrderedJson(*before.flips) : OrderedJson()},
                             {"after", mean_json(after)},
                             {"spread", deviation_json(after)}});
  }
  json["runs"] = OrderedJson::array();
  for (const CompareRun& run : row.runs) json["runs"].push_back(OrderedJson(to_json(run)));
  for (const CompareRun& run : row.failed) json["failed"].push_back(OrderedJson(to_json(run)));
  if (row.trials.empty()) return json;
  json["trials"] = OrderedJson::array();
  for (const CompareRun& run : row.trials) json["trials"].push_back(OrderedJson(to_json(run)));
  return json;
}

// "LoRA, dense base 0.01, ours 0.005 at 2.5 bits and 0.01 at 3 bits": of each method once where its budgets
// agree.
std::string rates_text(const CompareTable& table) {
  std::string all;
  for (const CompareMethod method : all_compare_methods()) {
    std::vector<const CompareRow*> rows;
    bool same = true;
    for (const CompareRow& row : table.rows) {
      if (row.method != method || row.lr == 0 || !row.why_not.empty()) continue;
      rows.push_back(&row);
      same = same && row.lr == rows.front()->lr;
    }
    if (rows.empty()) continue;
    std::string text(compare_method_title(method));
    for (const CompareRow* row : rows) {
      text += fmt::format("{} {}", row == rows.front() ? "" : " and", row->lr);
      if (same) break;
      text += fmt::format(" at {} bits", row->budget);
    }
    all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

}  // namespace

TextTable compare_text_table(const CompareTable& table, std::size_t text) {
  TextTable out;
  out.header = {"method", "budget",     "bits", "with low rank", "before", "KL",
                "after",  "above LoRA", "loss", "seconds",       "memory"};
  for (const CompareRow& row : table.rows) out.rows.push_back(text_row(table, row, text));
  return out;
}

TextTable compare_task_table(const CompareTable& table) {
  TextTable out;
  out.header = {"method", "budget", "bits"};
  for (std::size_t i = 0; i < table.tasks.size(); ++i) {
    out.header.push_back(fmt::format("{} {} (flips)", table.tasks[i], table.dense_tasks.at(i).metric));
    out.header.push_back("after");
  }
  std::vector<std::string> dense = {"dense model, not fine-tuned", "-", "-"};
  for (const TaskScore& score : table.dense_tasks) {
    dense.push_back(fmt::format("{:.4f}", score.value));
    dense.push_back("-");
  }
  out.rows.push_back(dense);
  for (const CompareRow& row : table.rows) {
    if (!row.base) continue;
    std::vector<std::string> cells = {std::string(compare_method_title(row.method)), budget_text(row),
                                      fmt::format("{:.3f}", row.base->bits)};
    for (std::size_t i = 0; i < table.tasks.size(); ++i) {
      const TaskScore& before = row.base->tasks.at(i);
      std::string text = fmt::format("{:.4f}", before.value);
      if (before.flips) text += fmt::format(" ({:.3f})", *before.flips);
      cells.push_back(text);
      cells.push_back(spread_text(task_after(row, i), 4));
    }
    out.rows.push_back(cells);
  }
  return out;
}

std::vector<std::string> compare_remarks(const CompareTable& table) {
  std::vector<std::string> lines;
  std::string seeds;
  for (const std::uint64_t seed : table.seeds) seeds += fmt::format("{}{}", seeds.empty() ? "" : ", ", seed);
  lines.push_back(fmt::format(
      "Model {}, rank {}, seeds {}; perplexity in windows of {} tokens, before and after fine-tuning; KL to "
      "the dense model before it, nats a token; ± is the sample standard deviation over seeds; above LoRA: "
      "less dense LoRA's of the same seed; loss of the last step; seconds and peak memory of a fine-tuning.",
      table.model, table.rank, seeds, table.seq_len));
  for (std::string& line : left_out_remarks(table.rows)) lines.push_back(std::move(line));
  const std::string rates = rates_text(table);
  if (!rates.empty()) {
    const bool picked =
        std::ranges::any_of(table.rows, [](const CompareRow& r) { return !r.trials.empty(); });
    lines.push_back(fmt::format(
        "Learning rates{}: {}.",
        picked ? ", of several the one with the least validation loss of the first seed" : "", rates));
  }
  std::string shared;
  for (const auto& [name, seconds] : shared_stages(table))
    shared += fmt::format("{}{} {}", shared.empty() ? "" : ", ", name, human_seconds(seconds));
  if (!shared.empty()) lines.push_back("Shared by several bases: " + shared + ".");
  return lines;
}

std::string compare_table_markdown(const CompareTable& table) {
  std::string md;
  for (std::size_t i = 0; i < table.texts.size(); ++i) {
    md += fmt::format("{} (dense model, not fine-tuned: {:.3f})\n\n", table.texts[i],
                      table.dense.at(i).perplexity);
    md += compare_text_table(table, i).markdown();
  }
  if (!table.dense_tasks.empty()) md += compare_task_table(table).markdown();
  for (const std::string& remark : compare_remarks(table)) md += remark + "\n";
  return md;
}

OrderedJson compare_table_json(const CompareTable& table) {
  OrderedJson json = {{"model", table.model}, {"model_hash", table.model_hash}, {"rank", table.rank},
                      {"seeds", table.seeds}, {"texts", table.texts},           {"seq_len", table.seq_len}};
  json["dense_perplexity"] = OrderedJson::array();
  for (const TextScore& score : table.dense)
    json["dense_perplexity"].push_back(OrderedJson(finite_or_null(score.perplexity)));
  json["shared"] = OrderedJson::array();
  for (const auto& [name, seconds] : shared_stages(table))
    json["shared"].push_back({{"name", name}, {"seconds", seconds}});
  for (std::size_t i = 0; i < table.dense_tasks.size(); ++i) {
    json["tasks"].push_back({{"task", table.tasks[i]},
                             {"metric", table.dense_tasks[i].metric},
                             {"dense", table.dense_tasks[i].value}});
  }
  json["rows"] = OrderedJson::array();
  for (const CompareRow& row : table.rows) json["rows"].push_back(row_json(table, row));
  return json;
}

}  // namespace lq
