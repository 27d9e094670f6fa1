#include "jobs/quantize_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "allocate/choice_name.h"
#include "files/json_object.h"

namespace lq {
namespace {

template <typename Member>
double total(const std::vector<MatrixReport>& matrices, const Member& member) {
  double sum = 0.0;
  for (const MatrixReport& m : matrices) sum += static_cast<double>(member(m));
  return sum;
}

double ratio(double a, double b) { return b > 0.0 ? a / b : 0.0; }

MatrixReport matrix_report_from(const JsonObject& json) {
  MatrixReport m;
  m.name = json.text("name");
  m.rows = json.count("rows");
  m.cols = json.count("cols");
  m.choice = choice_name_from_json(nlohmann::json(json.any("config")), json.who());
  m.rank = json.count("rank");
  m.relative_error = json.number("relative_error");
  m.relative_weighted_error = json.number("relative_weighted_error");
  m.iterations = json.count("iterations");
  m.seconds = json.number_or("seconds", 0.0);
  m.squared_norm = json.number("squared_norm");
  m.storage_bytes = json.count("storage_bytes");
  m.low_rank_bytes = json.count("low_rank_bytes");
  m.diagonal = json.boolean_or("diagonal", false);
  return m;
}

}  // namespace

std::int64_t QuantizeReport::weights() const {
  return static_cast<std::int64_t>(total(matrices, [](const MatrixReport& m) { return m.rows * m.cols; }));
}

double QuantizeReport::bits_per_weight() const {
  return ratio(8.0 * total(matrices, [](const MatrixReport& m) { return m.storage_bytes; }),
               static_cast<double>(weights()));
}

double QuantizeReport::bits_per_weight_with_low_rank() const {
  return ratio(
      8.0 * total(matrices, [](const MatrixReport& m) { return m.storage_bytes + m.low_rank_bytes; }),
      static_cast<double>(weights()));
}

double QuantizeReport::relative_error() const {
  const double error = total(
      matrices, [](const MatrixReport& m) { return m.relative_error * m.relative_error * m.squared_norm; });
  return std::sqrt(ratio(error, total(matrices, [](const MatrixReport& m) { return m.squared_norm; })));
}

nlohmann::ordered_json to_json(const MatrixReport& m) {
  return {{"name", m.name},
          {"rows", m.rows},
          {"cols", m.cols},
          {"config", choice_name_to_json(m.choice)},
          {"rank", m.rank},
          {"relative_error", m.relative_error},
          {"relative_weighted_error", m.relative_weighted_error},
          {"iterations", m.iterations},
          {"seconds", m.seconds},
          {"squared_norm", m.squared_norm},
          {"storage_bytes", m.storage_bytes},
          {"low_rank_bytes", m.low_rank_bytes},
          {"diagonal", m.diagonal}};
}

MatrixReport matrix_report_from_json(const nlohmann::json& json, const std::string& who) {
  return matrix_report_from(JsonObject::record(json, who));
}

nlohmann::ordered_json to_json(const QuantizeReport& report) {
  nlohmann::ordered_json matrices = nlohmann::ordered_json::array();
  for (const MatrixReport& m : report.matrices) matrices.push_back(to_json(m));
  nlohmann::ordered_json json = {{"bits_per_weight", report.bits_per_weight()},
                                 {"bits_per_weight_with_low_rank", report.bits_per_weight_with_low_rank()},
                                 {"relative_error", report.relative_error()},
                                 {"method", report.method},
                                 {"weights", report.importance},
                                 {"codebook", report.codebook},
                                 {"scales", report.scales},
                                 {"feedback", report.feedback},
                                 {"factors", report.factors}};
  if (report.allocation.has_value()) {
    json["allocation"] = {{"objective", report.allocation->objective},
                          {"bound", report.allocation->bound},
                          {"gap", report.allocation->gap}};
  }
  json["matrices"] = std::move(matrices);
  json["seconds"] = report.seconds;
  json["peak_rss_bytes"] = report.peak_rss_bytes;
  json["output_bytes"] = report.output_bytes;
  return json;
}

nlohmann::ordered_json to_reproducible_json(const QuantizeReport& report) {
  nlohmann::ordered_json json = to_json(report);
  json.erase("seconds");
  json.erase("peak_rss_bytes");
  for (auto& matrix : json["matrices"]) matrix.erase("seconds");
  return json;
}

QuantizeReport quantize_report_from_json(const nlohmann::json& json, const std::string& who) {
  const JsonObject object = JsonObject::record(json, who);
  QuantizeReport report;
  (void)object.any("matrices");
  for (const JsonObject& m : object.sections("matrices")) report.matrices.push_back(matrix_report_from(m));
  report.method = object.text_or("method", "");
  report.importance = object.text_or("weights", "");
  report.codebook = object.text_or("codebook", "");
  report.scales = object.text_or("scales", "");
  report.feedback = object.text_or("feedback", "");
  report.factors = object.text_or("factors", "");
  if (const auto a = object.section_if("allocation")) {
    report.allocation = AllocationReport{
        .objective = a->number("objective"), .bound = a->number("bound"), .gap = a->number("gap")};
  }
  report.seconds = object.number_or("seconds", 0.0);
  report.peak_rss_bytes = object.integer_or("peak_rss_bytes", 0, 0, std::int64_t{1} << 62);
  report.output_bytes = object.count("output_bytes");
  return report;
}

}  // namespace lq
