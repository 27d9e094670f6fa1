#include "compare/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/block_name.h"
#include "base/error.h"
#include "base/process.h"
#include "compare/html_page.h"
#include "compare/report_plots.h"
#include "files/atomic_file.h"
#include "files/file_descriptor.h"
#include "files/json_file.h"
#include "files/json_object.h"
#include "files/options/option_values.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = 256 << 20;  // of a file that is read whole

// A value as it stands in a table: numbers short, texts as they are.
std::string shown(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return value.is_null() ? "" : value.dump();
}

// Texts, numbers and booleans of an object, in their order.
std::vector<std::pair<std::string, std::string>> facts_of(const nlohmann::ordered_json& object) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [key, value] : object.items()) {
    if (value.is_structured()) continue;
    const bool size = key.ends_with("_bytes") && value.is_number_integer();
    rows.emplace_back(key, size ? human_bytes(value.get<double>()) : shown(value));
  }
  return rows;
}

// "model.layers.3.mlp.up_proj.weight": block 3, "mlp.up_proj"; without a number -1 and the name.
std::pair<int, std::string> place_of(std::string_view name) {
  constexpr std::int64_t kMost = 999'999;  // more is no block's number
  if (name.ends_with(".weight")) name.remove_suffix(7);
  // A number that begins the name is no block's: "0.encoder.layer.3.output.dense" is in block 3.
  const std::string_view behind = name.substr(std::min(name.find('.'), name.size()));
  for (auto at = parse_block_name(behind); at && !at->rest.empty(); at = parse_block_name(at->rest)) {
    if (at->number <= kMost) return {static_cast<int>(at->number), std::string(at->rest)};
  }
  return {-1, std::string(name)};
}

void add_quantize(const nlohmann::ordered_json& report, const std::string& who, HtmlPage& page) {
  page.facts(facts_of(report));
  const JsonObject object(report, who);
  std::vector<GridCell> bits, errors;
  TextTable table{{"matrix", "shape", "configuration", "bits a weight", "rank", "relative error"}, {}};
  for (const JsonObject& m : object.sections("matrices")) {
    const std::string name = m.text("name");
    const auto rows = m.count("rows"), cols = m.count("cols"), rank = m.count("rank");
    const double error = m.number("relative_error");
    const double stored = 8.0 * static_cast<double>(m.count("storage_bytes")) /
                          static_cast<double>(std::max<std::int64_t>(1, rows * cols));
    const std::string config = m.any("config").dump();
    const auto [block, kind] = place_of(name);
    bits.push_back({block, kind, stored, fmt::format("{}: {:.3f} bits", name, stored)});
    errors.push_back({block, kind, error, fmt::format("{}: relative error {:.4f}", name, error)});
    table.rows.push_back({name, fmt::format("{}x{}", rows, cols), config, fmt::format("{:.3f}", stored),
                          std::to_string(rank), fmt::format("{:.4f}", error)});
  }
  page.drawing(matrix_grid(bits, "Bits a weight"));
  page.drawing(matrix_grid(errors, "Relative error"));
  page.table(table, fmt::format("{} matrices", table.rows.size()));
}

void add_finetune(const fs::path& run, const nlohmann::ordered_json& report, HtmlPage& page) {
  page.facts(facts_of(report));
  if (report.contains("task") && report["task"].is_object()) {
    for (const auto& [name, scores] : report["task"].items()) {
      if (scores.is_object()) page.paragraph(name), page.facts(facts_of(scores));
    }
  }
  const fs::path log = run / "log.jsonl";
  if (!fs::exists(log)) return;
  CurvePoints training, validation;
  std::istringstream lines(read_file(log, kMostBytes));
  std::int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = fmt::format("{}:{}", log.string(), ++number);
    LQ_CHECK(nlohmann::json::accept(line), kCorruptFile, "{}: is no whole line of JSON", where);
    const JsonObject record = JsonObject::parse(line, where);
    const double step = static_cast<double>(record.count("step"));
    if (record.has("loss")) training.emplace_back(step, record.number("loss"));
    if (record.has("validation_loss")) validation.emplace_back(step, record.number("validation_loss"));
  }
  const bool reference = report.contains("reference");
  page.drawing(
      loss_curve(training, validation, reference ? "divergence from the reference, nats" : "loss, nats"));
}

// A line "| a | b |" as its cells.
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  line.remove_prefix(1);
  for (std::size_t bar = line.find('|'); bar != std::string_view::npos; bar = line.find('|')) {
    std::string_view cell = line.substr(0, bar);
    while (cell.starts_with(' ')) cell.remove_prefix(1);
    while (cell.ends_with(' ')) cell.remove_suffix(1);
    cells.emplace_back(cell);
    line.remove_prefix(bar + 1);
  }
  return cells;
}

void add_comparison(const fs::path& run, HtmlPage& page) {
  std::istringstream lines(read_file(run / "table.md", kMostBytes));
  TextTable table;
  const auto flush = [&] {
    if (!table.header.empty()) page.table(table);
    table = {};
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("|--") || line.starts_with("| --") || line.starts_with("|:-")) continue;
    if (line.starts_with('|')) {
      if (table.header.empty())
        table.header = cells_of(line);
      else
        table.rows.push_back(cells_of(line));
      continue;
    }
    flush();
    const std::size_t begin = line.find_first_not_of("# ");
    if (begin != std::string::npos && !line.starts_with("![")) page.paragraph(line.substr(begin));
  }
  flush();
  std::vector<fs::path> figures;
  for (const auto& entry : fs::directory_iterator(run)) {
    if (entry.path().extension() == ".svg") figures.push_back(entry.path());
  }
  std::ranges::sort(figures);
  for (const fs::path& figure : figures)
    page.picture(read_file(figure, kMostBytes), figure.filename().string());
}

// {task: {metric: value, ..., "acc_stderr": ...}} or the harness's "results" of it.
void add_scores(const nlohmann::ordered_json& scores, HtmlPage& page) {
  TextTable table{{"task", "metric", "value", "standard error"}, {}};
  for (const auto& [task, of_task] : scores.items()) {
    if (!of_task.is_object()) continue;
    for (const auto& [metric, value] : of_task.items()) {
      if (!value.is_number() || metric.find("_stderr") != std::string::npos) continue;
      // The harness names a filter behind the metric: "acc,none", "acc_stderr,none".
      const std::size_t comma = std::min(metric.find(','), metric.size());
      const std::string error = metric.substr(0, comma) + "_stderr" + metric.substr(comma);
      table.rows.push_back(
          {task, metric, shown(value), of_task.contains(error) ? shown(of_task[error]) : ""});
    }
  }
  page.table(table);
}

bool looks_like_scores(const nlohmann::ordered_json& json) {
  return json.is_object() && !json.empty() &&
         std::ranges::all_of(json, [](const nlohmann::ordered_json& v) { return v.is_object(); });
}

std::string add_run(const fs::path& run, HtmlPage& page) {
  LQ_CHECK(fs::exists(run), kNotFound, "[report] {}: there is nothing", run.string());
  page.heading(run.string());
  if (!fs::is_directory(run)) {
    const auto json = nlohmann::ordered_json(JsonObject::load(run).json());
    const auto& scores = json.contains("results") && json.contains("config") ? json["results"] : json;
    LQ_CHECK(looks_like_scores(scores), kUnsupported, "[report] {}: holds no scores of eval", run.string());
    add_scores(scores, page);
    return "scores";
  }
  if (fs::exists(run / "table.md") && fs::exists(run / "table.json")) {
    add_comparison(run, page);
    return "comparison";
  }
  const fs::path manifest = run / "lqlora.json";
  LQ_CHECK(fs::exists(manifest) || !fs::exists(run / ".work"), kUnsupported,
           "[report] {}: an unfinished run; the command that began it goes on when it is given again",
           run.string());
  LQ_CHECK(fs::exists(manifest), kUnsupported,
           "[report] {}: no output of quantize, finetune, compare or glue, and no file of eval's scores",
           run.string());
  const JsonObject object = JsonObject::load(manifest);
  const std::string verb = object.section("job").text("verb");
  const nlohmann::ordered_json report = object.section("report").json();
  LQ_CHECK(verb == "quantize" || verb == "finetune", kUnsupported,
           "[report] {}: made by {}, which is not reported", run.string(), verb);
  if (verb == "quantize")
    add_quantize(report, manifest.string(), page);
  else
    add_finetune(run, report, page);
  return verb;
}

}  // namespace

void describe(OptionVisitor& v, ReportOptions& o) {
  v.option({.key = "runs",
            .help = "Folders that quantize, finetune, compare or glue made, and eval's scores as JSON files",
            .position = "RUN",
            .required = true},
           paths(o.runs));
  v.option({.key = "out", .help = "HTML file to write", .letter = "o", .required = true}, path(o.out));
}

std::vector<ReportedRun> write_report(const ReportOptions& options) {
  HtmlPage page("lqlora");
  std::vector<ReportedRun> done;
  for (const fs::path& run : options.runs) done.push_back({run, add_run(run, page)});
  write_file_atomically(options.out, page.text());
  return done;
}

}  // namespace lq
