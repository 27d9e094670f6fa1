#include "jobs/quantize_report.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "allocate/choice_name.h"
#include "base/error.h"

namespace lq {
namespace {

template <typename Member>
double total(const std::vector<MatrixReport>& matrices, const Member& member) {
  double sum = 0.0;
  for (const MatrixReport& m : matrices) sum += static_cast<double>(member(m));
  return sum;
}

double ratio(double a, double b) { return b > 0.0 ? a / b : 0.0; }

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
  try {
    MatrixReport m;
    m.name = json.at("name").get<std::string>();
    m.rows = json.at("rows").get<std::int64_t>();
    m.cols = json.at("cols").get<std::int64_t>();
    m.choice = choice_name_from_json(json.at("config"), who);
    m.rank = json.at("rank").get<std::int64_t>();
    m.relative_error = json.at("relative_error").get<double>();
    m.relative_weighted_error = json.at("relative_weighted_error").get<double>();
    m.iterations = json.at("iterations").get<std::int64_t>();
    m.seconds = json.value("seconds", 0.0);
    m.squared_norm = json.at("squared_norm").get<double>();
    m.storage_bytes = json.at("storage_bytes").get<std::int64_t>();
    m.low_rank_bytes = json.at("low_rank_bytes").get<std::int64_t>();
    m.diagonal = json.value("diagonal", false);
    return m;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: not a matrix report: {}", who, e.what());
  }
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
  try {
    QuantizeReport report;
    for (const auto& m : json.at("matrices")) report.matrices.push_back(matrix_report_from_json(m, who));
    report.method = json.value("method", "");
    report.importance = json.value("weights", "");
    report.codebook = json.value("codebook", "");
    report.scales = json.value("scales", "");
    report.feedback = json.value("feedback", "");
    report.factors = json.value("factors", "");
    if (json.contains("allocation")) {
      const auto& a = json["allocation"];
      report.allocation = AllocationReport{.objective = a.at("objective").get<double>(),
                                           .bound = a.at("bound").get<double>(),
                                           .gap = a.at("gap").get<double>()};
    }
    report.seconds = json.value("seconds", 0.0);
    report.peak_rss_bytes = json.value("peak_rss_bytes", std::int64_t{0});
    report.output_bytes = json.at("output_bytes").get<std::int64_t>();
    return report;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: not a quantize report: {}", who, e.what());
  }
}

}  // namespace lq
