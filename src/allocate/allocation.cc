#include "allocate/allocation.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "allocate/choice_name.h"
#include "allocate/json_values.h"
#include "base/error.h"
#include "files/atomic_file.h"
#include "files/json_file.h"

namespace lq {
namespace {

using nlohmann::json;

// 0 where the key is missing.
double number_at(const json& object, const char* key, std::string_view who) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return 0;
  const double number = found->is_number() ? found->get<double>() : -1;
  LQ_CHECK(std::isfinite(number) && number >= 0, kCorruptFile, "{}: \"{}\" must be a number from 0", who,
           key);
  return number;
}

int rank_from_json(const json& value, std::string_view who, std::string_view what) {
  LQ_CHECK(value.is_number_unsigned() && value.get<std::uint64_t>() <= 1'000'000'000, kCorruptFile,
           "{}: {} must be a whole number from 0", who, what);
  return value.get<int>();
}

// "rank" for all, or "ranks" for each.
void read_ranks(const json& object, std::string_view who, Allocation& allocation) {
  const auto rank = object.find("rank");
  const auto ranks = object.find("ranks");
  if (ranks == object.end()) {
    if (rank == object.end() || rank->is_null()) return;
    const int value = rank_from_json(*rank, who, "\"rank\"");
    for (AllocatedMatrix& m : allocation.choices) m.rank = value;
    return;
  }
  LQ_CHECK(ranks->is_object() && ranks->size() == allocation.choices.size(), kCorruptFile,
           "{}: \"ranks\" must be an object with a rank for each of the {} choices", who,
           allocation.choices.size());
  allocation.has_ranks = true;
  for (AllocatedMatrix& m : allocation.choices) {
    const auto found = ranks->find(m.name);
    LQ_CHECK(found != ranks->end(), kCorruptFile, "{}: \"ranks\" has none for \"{}\"", who, m.name);
    m.rank = rank_from_json(*found, who, fmt::format("ranks[\"{}\"]", m.name));
  }
}

}  // namespace

Allocation allocation_from_json(const json& object, std::string_view who) {
  LQ_CHECK(object.is_object(), kCorruptFile, "{}: a {}, but an allocation is a JSON object", who,
           object.type_name());
  Allocation allocation;
  allocation.bits_per_weight = number_at(object, "bits_per_weight", who);
  allocation.factor_bits_per_weight = number_at(object, "factor_bits_per_weight", who);
  allocation.objective = number_at(object, "objective", who);
  allocation.bound = number_at(object, "bound", who);
  allocation.gap = number_at(object, "gap", who);
  allocation.model = text_at(object, "model", who);
  allocation.method = text_at(object, "method", who);
  allocation.weights = text_at(object, "weights", who);
  const auto choices = object.find("choices");
  LQ_CHECK(choices != object.end() && choices->is_object() && !choices->empty(), kCorruptFile,
           "{}: \"choices\" must be an object with a choice for each matrix", who);
  for (const auto& [name, choice] : choices->items()) {
    allocation.choices.push_back(
        {name, choice_name_from_json(choice, fmt::format("{}: choices[\"{}\"]", who, name)), 0});
  }
  read_ranks(object, who, allocation);
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
