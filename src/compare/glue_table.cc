#include "compare/glue_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "compare/compare_figure.h"
#include "eval/tasks/glue.h"

namespace lq {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr double kPercent = 100.0;
constexpr int kDigits = 1;  // of a score in percent

OrderedJson spread_json(const std::optional<Spread>& s) {
  if (!s) return OrderedJson();
  return {{"mean", s->mean},
          {"spread", s->deviation ? OrderedJson(*s->deviation) : OrderedJson()},
          {"seeds", s->count}};
}

// Bits of the bases, which may differ from task to task: their mean.
std::optional<double> bits_of(const GlueTable& table, std::size_t row) {
  double sum = 0.0;
  for (const CompareTable& t : table.tables) {
    if (!t.rows[row].base) return std::nullopt;
    sum += t.rows[row].base->bits;
  }
  return sum / static_cast<double>(table.tables.size());
}

std::optional<Spread> bits_with_low_rank(const GlueTable& table, std::size_t row) {
  std::vector<double> values;
  for (const CompareTable& t : table.tables) {
    for (const CompareRun& run : t.rows[row].runs) values.push_back(run.bits_with_low_rank);
  }
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

OrderedJson task_json(const CompareRow& row, const std::optional<Spread>& score) {
  OrderedJson json = {{"score", spread_json(score)},
                      {"lr", row.lr > 0 ? OrderedJson(row.lr) : OrderedJson()}};
  for (const char* list : {"runs", "trials"}) {
    json[list] = OrderedJson::array();
    for (const CompareRun& run : list[0] == 'r' ? row.runs : row.trials)
      json[list].push_back(OrderedJson(to_json(run)));
  }
  return json;
}

}  // namespace

std::optional<Spread> task_score(const GlueTable& table, std::size_t row, std::size_t task) {
  std::vector<double> values;
  for (const CompareRun& run : table.tables[task].rows[row].runs) {
    if (run.score) values.push_back(kPercent * *run.score);
  }
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

std::optional<Spread> average_score(const GlueTable& table, std::size_t row) {
  std::map<std::uint64_t, std::pair<double, std::size_t>> by_seed;  // sum of scores, tasks
  for (const CompareTable& t : table.tables) {
    for (const CompareRun& run : t.rows[row].runs) {
      if (!run.score) continue;
      by_seed[run.seed].first += kPercent * *run.score;
      ++by_seed[run.seed].second;
    }
  }
  std::vector<double> values;
  for (const auto& [seed, sum] : by_seed) {
    if (sum.second == table.tables.size()) values.push_back(sum.first / static_cast<double>(sum.second));
  }
  return values.empty() ? std::nullopt : std::optional(spread_of(values));
}

std::optional<double> below_full(const GlueTable& table, std::size_t row) {
  const auto own = average_score(table, row);
  for (std::size_t other = 0; other < table.rows(); ++other) {
    if (table.tables.front().rows[other].method != CompareMethod::kFull) continue;
    const auto full = average_score(table, other);
    if (own && full) return full->mean - own->mean;
  }
  return std::nullopt;
}

TextTable glue_text_table(const GlueTable& table) {
  TextTable out;
  out.header = {"method", "budget", "bits", "with low rank"};
  for (const std::string& task : table.tasks) out.header.emplace_back(find_glue_task(task).title);
  out.header.insert(out.header.end(), {"average", "below full"});
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const CompareRow& row = table.tables.front().rows[r];
    const auto bits = bits_of(table, r);
    const auto low_rank = bits_with_low_rank(table, r);
    std::vector<std::string> cells = {std::string(compare_method_title(row.method)), budget_text(row),
                                      bits                  ? fmt::format("{:.3f}", *bits)
                                      : row.why_not.empty() ? "-"
                                                            : "none",
                                      low_rank ? fmt::format("{:.3f}", low_rank->mean) : "-"};
    for (std::size_t t = 0; t < table.tasks.size(); ++t)
      cells.push_back(spread_text(task_score(table, r, t), kDigits));
    cells.push_back(spread_text(average_score(table, r), kDigits));
    const auto below = below_full(table, r);
    cells.push_back(below ? fmt::format("{:.1f}", *below) : "-");
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::vector<std::string> glue_remarks(const GlueTable& table) {
  std::vector<std::string> lines;
  if (table.tables.empty()) return lines;
  const CompareTable& first = table.tables.front();
  lines.push_back(
      fmt::format("Model {}, rank {}, seeds {}; scores on the validation examples in percent, the mean of a "
                  "task's metrics "
                  "(CoLA Matthews' correlation, STS-B Pearson and Spearman, MRPC and QQP accuracy and F1, "
                  "else accuracy); "
                  "± is the sample standard deviation over seeds.",
                  first.model, first.rank, fmt::join(first.seeds, ", ")));
  for (std::string& line : left_out_remarks(first.rows)) lines.push_back(std::move(line));
  for (std::size_t t = 0; t < table.tasks.size(); ++t) {
    std::string picked;
    for (const CompareRow& row : table.tables[t].rows) {
      if (row.trials.empty() || row.lr == 0) continue;
      picked += fmt::format("{}{} {}", picked.empty() ? "" : ", ", compare_method_title(row.method), row.lr);
    }
    if (picked.empty()) continue;
    lines.push_back(
        fmt::format("Learning rates of {}, of several the one with the first seed's best score: {}.",
                    table.tasks[t], picked));
  }
  return lines;
}

std::string glue_table_markdown(const GlueTable& table) {
  std::string md = glue_text_table(table).markdown();
  for (const std::string& remark : glue_remarks(table)) md += remark + "\n";
  return md;
}

OrderedJson glue_table_json(const GlueTable& table) {
  OrderedJson json = {{"tasks", table.tasks}, {"rows", OrderedJson::array()}};
  if (table.tables.empty()) return json;
  const CompareTable& first = table.tables.front();
  json["model"] = first.model;
  json["model_hash"] = first.model_hash;
  json["rank"] = first.rank;
  json["seeds"] = first.seeds;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const CompareRow& row = first.rows[r];
    OrderedJson one = {{"method", compare_method_name(row.method)},
                       {"title", compare_method_title(row.method)},
                       {"budget", row.budget > 0 ? OrderedJson(row.budget) : OrderedJson()}};
    if (!row.why_not.empty()) one["why_not"] = row.why_not;
    const auto bits = bits_of(table, r);
    one["bits_per_weight"] = bits ? OrderedJson(*bits) : OrderedJson();
    const auto low_rank = bits_with_low_rank(table, r);
    one["bits_per_weight_with_low_rank"] = low_rank ? OrderedJson(low_rank->mean) : OrderedJson();
    one["average"] = spread_json(average_score(table, r));
    const auto below = below_full(table, r);
    one["below_full"] = below ? OrderedJson(*below) : OrderedJson();
    for (std::size_t t = 0; t < table.tasks.size(); ++t) {
      one["tasks"][table.tasks[t]] = task_json(table.tables[t].rows[r], task_score(table, r, t));
    }
    json["rows"].push_back(std::move(one));
  }
  return json;
}

std::string glue_figure(const GlueTable& table) {
  const CompareTable& first = table.tables.front();
  const FigureTitles titles{
      fmt::format("{} on {}, rank {}", first.model, fmt::join(table.tasks, ", "), first.rank),
      "average score, percent"};
  return grid_figure(
      first, titles,
      [&](const CompareRow& row) {
        return average_score(table, static_cast<std::size_t>(&row - first.rows.data()));
      },
      kPercent / 2);
}

}  // namespace lq
