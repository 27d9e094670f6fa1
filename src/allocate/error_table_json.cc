// The error table as JSON: the format is in error_table.h.
#include <limits>
#include <nlohmann/json.hpp>

#include "allocate/choice_name.h"
#include "allocate/error_table.h"
#include "allocate/json_values.h"
#include "base/error.h"
#include "files/json_file.h"

namespace lq {
namespace {

using nlohmann::json;

constexpr std::uint64_t kTableLimit = 1'000'000'000;  // bytes of JSON; 560 matrices x 432 choices take 10^7

const json& array_at(const json& object, const char* key, std::string_view who) {
  const auto found = object.find(key);
  LQ_CHECK(found != object.end(), kCorruptFile, "{}: \"{}\" is missing", who, key);
  LQ_CHECK(found->is_array(), kCorruptFile, "{}: \"{}\" is a {}, but must be an array", who, key,
           found->type_name());
  return *found;
}

// A whole number that fits an int64; 4096.0 will do, 4096.5 will not.
std::int64_t whole(const json& value, std::string_view who, std::string_view what) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value.is_number_unsigned()) {
    LQ_CHECK(
        value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()),
        kCorruptFile, "{}: {} is {}, which is too large", who, what, value.get<std::uint64_t>());
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const double number = value.is_number_float() ? value.get<double>() : 0.5;
  LQ_CHECK(number >= -kExact && number <= kExact &&
               number == static_cast<double>(static_cast<std::int64_t>(number)),
           kCorruptFile, "{}: {} must be a whole number", who, what);
  return static_cast<std::int64_t>(number);
}

int whole_int(const json& value, std::string_view who, std::string_view what) {
  const std::int64_t number = whole(value, who, what);
  LQ_CHECK(number >= 0 && number <= std::numeric_limits<int>::max(), kCorruptFile,
           "{}: {} is {}, but must be from 0 to {}", who, what, number, std::numeric_limits<int>::max());
  return static_cast<int>(number);
}

TableMatrix matrix_from_json(const json& value, std::size_t index, std::string_view who) {
  const std::string what = fmt::format("matrices[{}]", index);
  LQ_CHECK(value.is_object() && value.contains("name") && value.contains("rows") && value.contains("cols"),
           kCorruptFile, "{}: {} must be an object with name, rows and cols", who, what);
  const std::int64_t rows = whole(value["rows"], who, what + ".rows");
  const std::int64_t cols = whole(value["cols"], who, what + ".cols");
  LQ_CHECK(value["name"].is_string(), kCorruptFile, "{}: {}.name must be text", who, what);
  return {value["name"].get<std::string>(), rows, cols};
}

// The numbers of an array of M arrays of C numbers, row-major.
std::vector<double> cells_at(const json& object, const char* key, std::size_t rows, std::size_t cols,
                             std::string_view who) {
  const json& outer = array_at(object, key, who);
  LQ_CHECK(outer.size() == rows, kCorruptFile, "{}: \"{}\" has {} rows, but there are {} matrices", who, key,
           outer.size(), rows);
  std::vector<double> cells;
  for (std::size_t i = 0; i < rows; ++i) {
    LQ_CHECK(outer[i].is_array() && outer[i].size() == cols, kCorruptFile,
             "{}: {}[{}] has {} numbers, but there are {} configs", who, key, i,
             outer[i].is_array() ? outer[i].size() : 0, cols);
    for (std::size_t c = 0; c < cols; ++c) {
      const json& cell = outer[i][c];
      LQ_CHECK(cell.is_number(), kCorruptFile, "{}: {}[{}][{}] is a {}, but must be a number", who, key, i, c,
               cell.type_name());
      cells.push_back(cell.get<double>());
    }
  }
  return cells;
}

nlohmann::ordered_json cells_to_json(const std::vector<double>& cells, std::size_t rows, std::size_t cols) {
  nlohmann::ordered_json outer = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < rows; ++i) {
    const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(i * cols);
    outer.push_back(std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(cols)));
  }
  return outer;
}

void read_ranks(const json& object, std::string_view who, ErrorTable& table) {
  const auto rank = object.find("rank");
  const bool is_auto =
      rank != object.end() && rank->is_string() && rank->get_ref<const std::string&>() == "auto";
  if (const auto ranks = object.find("ranks"); ranks != object.end() && !ranks->is_null()) {
    LQ_CHECK(is_auto || rank == object.end(), kCorruptFile,
             "{}: with \"ranks\", a rank for each choice, \"rank\" must be \"auto\"", who);
    const json& list = array_at(object, "ranks", who);
    for (std::size_t c = 0; c < list.size(); ++c) {
      table.ranks.push_back(whole_int(list[c], who, fmt::format("ranks[{}]", c)));
    }
    LQ_CHECK(!table.ranks.empty(), kCorruptFile, "{}: \"ranks\" is empty", who);
  } else {
    LQ_CHECK(!is_auto, kCorruptFile, "{}: \"rank\" is \"auto\", but \"ranks\" is missing", who);
    if (rank != object.end() && !rank->is_null()) table.rank = whole_int(*rank, who, "rank");
  }
  if (const auto bits = object.find("factor_bits"); bits != object.end()) {
    table.factor_bits = whole_int(*bits, who, "factor_bits");
  }
}

}  // namespace

ErrorTable error_table_from_json(const json& object, std::string_view who) {
  LQ_CHECK(object.is_object(), kCorruptFile, "{}: a {}, but an error table is a JSON object", who,
           object.type_name());
  ErrorTable table;
  table.model = text_at(object, "model", who);
  table.method = text_at(object, "method", who);
  table.weights = text_at(object, "weights", who);
  read_ranks(object, who, table);
  const json& configs = array_at(object, "configs", who);
  for (std::size_t c = 0; c < configs.size(); ++c) {
    table.configs.push_back(choice_name_from_json(configs[c], fmt::format("{}: configs[{}]", who, c)));
  }
  const json& matrices = array_at(object, "matrices", who);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    table.matrices.push_back(matrix_from_json(matrices[i], i, who));
  }
  table.bits = cells_at(object, "bits", matrices.size(), configs.size(), who);
  table.errors = cells_at(object, "errors", matrices.size(), configs.size(), who);
  check_error_table(table, who);
  return table;
}

nlohmann::ordered_json error_table_to_json(const ErrorTable& table) {
  nlohmann::ordered_json object;
  object["model"] = table.model;
  if (table.has_ranks()) {
    object["rank"] = "auto";
    object["ranks"] = table.ranks;
    object["factor_bits"] = table.factor_bits;
  } else {
    object["rank"] = table.rank;
  }
  object["method"] = table.method;
  object["weights"] = table.weights;
  object["configs"] = nlohmann::ordered_json::array();
  for (const std::string& name : table.configs) object["configs"].emplace_back(choice_name_to_json(name));
  object["matrices"] = nlohmann::ordered_json::array();
  for (const TableMatrix& m : table.matrices) {
    object["matrices"].push_back({{"name", m.name}, {"rows", m.rows}, {"cols", m.cols}});
  }
  object["bits"] = cells_to_json(table.bits, table.matrices.size(), table.configs.size());
  object["errors"] = cells_to_json(table.errors, table.matrices.size(), table.configs.size());
  return object;
}

ErrorTable read_error_table(const std::filesystem::path& path) {
  return error_table_from_json(read_json(path, kTableLimit), path.string());
}

void write_error_table(const std::filesystem::path& path, const ErrorTable& table) {
  check_error_table(table, path.string());
  write_json(path, error_table_to_json(table), -1);
}

}  // namespace lq
