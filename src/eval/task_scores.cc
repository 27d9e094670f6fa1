#include "eval/task_scores.h"

#include <cmath>
#include <map>

namespace lq {
namespace {

using Json = nlohmann::ordered_json;
// Of each metric the values of some documents, in their order.
using Columns = std::map<std::string, std::vector<double>>;

void add(Columns& columns, const ItemScores& scores) {
  for (const auto& [metric, value] : scores) columns[metric].push_back(value);
}

Json means(const Columns& columns) {
  Json json = Json::object();
  for (const auto& [metric, values] : columns) {
    const MeanAndError m = mean_and_error(values);
    json[metric] = m.mean;
    json[metric + "_stderr"] = m.standard_error;
    json["documents"] = m.count;
  }
  return json;
}

// The mean over all documents of some subjects, its error pooled from theirs.
Json pooled(const std::map<std::string, Columns>& subjects) {
  std::map<std::string, std::vector<MeanAndError>> by_metric;
  for (const auto& [subject, columns] : subjects) {
    for (const auto& [metric, values] : columns) by_metric[metric].push_back(mean_and_error(values));
  }
  Json json = Json::object();
  for (const auto& [metric, parts] : by_metric) {
    double sum = 0.0;
    double macro = 0.0;
    std::int64_t count = 0;
    for (const MeanAndError& part : parts) {
      sum += part.mean * static_cast<double>(part.count);
      macro += part.mean;
      count += part.count;
    }
    json[metric] = sum / static_cast<double>(count);
    json[metric + "_stderr"] = pooled_error(parts);
    json[metric + "_macro"] = macro / static_cast<double>(parts.size());
    json["documents"] = count;
  }
  return json;
}

}  // namespace

MeanAndError mean_and_error(std::span<const double> values) {
  MeanAndError m;
  m.count = std::ssize(values);
  if (values.empty()) return m;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) m.mean += v;
  m.mean /= n;
  double squares = 0.0;
  for (const double v : values) squares += (v - m.mean) * (v - m.mean);
  if (values.size() > 1) m.standard_error = std::sqrt(squares / (n - 1)) / std::sqrt(n);
  return m;
}

double pooled_error(std::span<const MeanAndError> groups) {
  double variance = 0.0;
  std::int64_t count = 0;
  for (const MeanAndError& g : groups) {
    const auto n = static_cast<double>(g.count);
    variance += (n - 1) * g.standard_error * g.standard_error * n;
    count += g.count;
  }
  const std::int64_t free = count - std::ssize(groups);
  if (free <= 0) return 0.0;
  return std::sqrt(variance / static_cast<double>(free) / static_cast<double>(count));
}

Json task_scores(const Task& task, std::span<const TaskItem> items, std::span<const ItemScores> scores) {
  Columns all;
  std::map<std::string, Columns> subjects;
  std::map<std::string, std::map<std::string, Columns>> categories;
  for (std::size_t i = 0; i < items.size(); ++i) {
    add(all, scores[i]);
    if (!task.file_per_group) continue;
    add(subjects[items[i].group], scores[i]);
    const std::string_view category = task.category != nullptr ? task.category(items[i].group) : "";
    if (!category.empty()) add(categories[std::string(category)][items[i].group], scores[i]);
  }
  if (!task.file_per_group) return means(all);
  Json json = pooled(subjects);
  for (const auto& [category, parts] : categories) json["groups"][category] = pooled(parts);
  for (const auto& [subject, columns] : subjects) json["subjects"][subject] = means(columns);
  return json;
}

}  // namespace lq
