#include "eval/tasks/label_order.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lq {
namespace {

std::string plain(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c == '-' || c == ' ' ? '_' : static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c);
  return out;
}

// The names by output; empty where config.json has none, or not one for each output.
std::vector<std::string> names_in(const JsonObject& config) {
  const auto& json = config.json();
  const auto architectures = json.find("architectures");
  const bool classifies =
      architectures != json.end() && architectures->is_array() && !architectures->empty() &&
      architectures->front().is_string() &&
      architectures->front().get_ref<const std::string&>().ends_with("ForSequenceClassification");
  const auto table = json.find("id2label");
  if (!classifies || table == json.end() || !table->is_object()) return {};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < table->size(); ++i) {
    const auto name = table->find(std::to_string(i));
    if (name == table->end() || !name->is_string()) return {};
    names.push_back(name->get<std::string>());
  }
  return names;
}

}  // namespace

LabelOrder label_order(const GlueTask& task, const JsonObject& config) {
  LabelOrder order;
  order.names.assign(task.labels.begin(), task.labels.end());
  const std::vector<std::string> names = names_in(config);
  if (task.regression() || names.empty()) return order;
  if (names.size() != task.labels.size()) {
    order.note =
        fmt::format("the model's classifier has {} labels ({}), {} has {}: a new classifier is drawn",
                    names.size(), fmt::join(names, ", "), task.name, task.labels.size());
    return order;
  }
  std::vector<std::size_t> output_of;
  for (const std::string_view label : task.labels) {
    const auto at = std::ranges::find(names, plain(label), [](const std::string& n) { return plain(n); });
    if (at != names.end()) output_of.push_back(static_cast<std::size_t>(at - names.begin()));
  }
  if (output_of.size() == names.size()) {
    order.names = names;
    if (!std::ranges::is_sorted(output_of)) order.output_of = std::move(output_of);
    return order;
  }
  const bool numbered =
      std::ranges::all_of(names, [](const std::string& n) { return n.starts_with("LABEL_"); });
  if (!numbered) {
    order.note = fmt::format("the model's labels ({}) are taken for {}'s in this order ({})",
                             fmt::join(names, ", "), task.name, fmt::join(task.labels, ", "));
  }
  return order;
}

}  // namespace lq
