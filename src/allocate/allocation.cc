#include "allocate/allocation.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "allocate/choice_name.h"
#include "base/error.h"
#include "files/atomic_file.h"
#include "files/json_file.h"
#include "files/json_object.h"

namespace lq {
namespace {

using nlohmann::json;

constexpr std::int64_t kLargestRank = 1'000'000'000;

// 0 where the key is missing.
double number_from_0(const JsonObject& fields, std::string_view key) {
  return fields.number_or(key, 0, 0, std::numeric_limits<double>::max());
}

// "rank" for all, or "ranks" for each.
void read_ranks(const JsonObject& fields, Allocation& allocation) {
  if (!fields.has("ranks")) {
    const auto rank = static_cast<int>(fields.integer_or("rank", 0, 0, kLargestRank));
    for (AllocatedMatrix& m : allocation.choices) m.rank = rank;
    return;
  }
  const JsonObject ranks = fields.section("ranks");
  LQ_CHECK(ranks.json().size() == allocation.choices.size(), kCorruptFile,
           "{}: key 'ranks' must hold a rank for each of the {} choices", fields.who(),
           allocation.choices.size());
  allocation.has_ranks = true;
  for (AllocatedMatrix& m : allocation.choices) {
    m.rank = static_cast<int>(ranks.integer(m.name, 0, kLargestRank));
  }
}

}  // namespace

Allocation allocation_from_json(const json& object, std::string_view who) {
  const JsonObject fields = JsonObject::record(object, std::string(who));
  Allocation allocation;
  allocation.bits_per_weight = number_from_0(fields, "bits_per_weight");
  allocation.factor_bits_per_weight = number_from_0(fields, "factor_bits_per_weight");
  allocation.objective = number_from_0(fields, "objective");
  allocation.bound = number_from_0(fields, "bound");
  allocation.gap = number_from_0(fields, "gap");
  allocation.model = fields.text_or("model", "");
  allocation.method = fields.text_or("method", "");
  allocation.weights = fields.text_or("weights", "");
  const JsonObject choices = fields.section("choices");
  LQ_CHECK(!choices.json().empty(), kCorruptFile, "{}: key 'choices' must hold a choice for each matrix",
           who);
  for (const auto& [name, choice] : choices.json().items()) {
    allocation.choices.push_back(
        {name, choice_name_from_json(choice, fmt::format("{}: choices[\"{}\"]", who, name)), 0});
  }
  read_ranks(fields, allocation);
  return allocation;
}

nlohmann::ordered_json allocation_to_json(const Allocation& allocation) {
  nlohmann::ordered_json object;
  object["bits_per_weight"] = allocation.bits_per_weight;
  if (allocation.has_ranks) object["factor_bits_per_weight"] = allocation.factor_bits_per_weight;
  object["objective"] = allocation.objective;
  object["bound"] = allocation.bound;
  object["gap"] = allocation.gap;
  if (!allocation.model.empty()) object["model"] = allocation.model;
  if (!allocation.method.empty()) object["method"] = allocation.method;
  if (!allocation.weights.empty()) object["weights"] = allocation.weights;
  if (allocation.has_ranks) {
    object["rank"] = "auto";
  } else if (!allocation.choices.empty()) {
    object["rank"] = allocation.choices.front().rank;
  }
  // Through sorted objects: an ordered one looks each new key up among all before it.
  json choices = json::object();
  json ranks = json::object();
  for (const AllocatedMatrix& m : allocation.choices) {
    choices[m.name] = choice_name_to_json(m.choice);
    if (allocation.has_ranks) ranks[m.name] = m.rank;
  }
  object["choices"] = choices;
  if (allocation.has_ranks) object["ranks"] = ranks;
  return object;
}

Allocation read_allocation(const std::filesystem::path& path) {
  return allocation_from_json(read_json(path), path.string());
}

void write_allocation(const std::filesystem::path& path, const Allocation& allocation) {
  std::string text = "{";
  const char* separator = "\n";
  const nlohmann::ordered_json object = allocation_to_json(allocation);
  for (const auto& [key, value] : object.items()) {
    text += fmt::format("{}  {}: ", std::exchange(separator, ",\n"), json(key).dump());
    if (value.is_object()) {
      const char* inner = "{\n";
      for (const auto& [name, choice] : value.items()) {
        text += fmt::format("{}    {}: {}", std::exchange(inner, ",\n"), json(name).dump(), choice.dump());
      }
      text += "\n  }";
    } else {
      text += value.dump();
    }
  }
  write_file_atomically(path, text + "\n}\n");
}

}  // namespace lq
