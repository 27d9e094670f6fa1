// The error table as JSON: the format is in error_table.h.
#include <limits>
#include <nlohmann/json.hpp>

#include "allocate/choice_name.h"
#include "allocate/error_table.h"
#include "base/error.h"
#include "files/json_file.h"
#include "files/json_object.h"

namespace lq {
namespace {

using nlohmann::json;

constexpr std::uint64_t kTableLimit = 1'000'000'000;  // bytes of JSON; 560 matrices x 432 choices take 10^7

constexpr int kLargestInt = std::numeric_limits<int>::max();

// The numbers of an array of M arrays of C numbers, row-major.
std::vector<double> cells_at(const JsonObject& fields, const char* key, std::size_t rows, std::size_t cols) {
  const nlohmann::ordered_json& outer = fields.any(key);
  const std::string& who = fields.who();
  LQ_CHECK(outer.is_array(), kCorruptFile, "{}: key '{}' is a {}, but must be a list", who, key,
           outer.type_name());
  LQ_CHECK(outer.size() == rows, kCorruptFile, "{}: key '{}' has {} rows, but there are {} matrices", who,
           key, outer.size(), rows);
  std::vector<double> cells;
  for (std::size_t i = 0; i < rows; ++i) {
    LQ_CHECK(outer[i].is_array() && outer[i].size() == cols, kCorruptFile,
             "{}: {}[{}] has {} numbers, but there are {} configs", who, key, i,
             outer[i].is_array() ? outer[i].size() : 0, cols);
    for (std::size_t c = 0; c < cols; ++c) {
      const nlohmann::ordered_json& cell = outer[i][c];
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

void read_ranks(const JsonObject& fields, ErrorTable& table) {
  const bool is_auto = fields.has("rank") && fields.any("rank") == "auto";
  if (fields.has("ranks")) {
    LQ_CHECK(is_auto || !fields.has("rank"), kCorruptFile,
             "{}: with \"ranks\", a rank for each choice, \"rank\" must be \"auto\"", fields.who());
    for (const std::int64_t rank : fields.integers("ranks", 0, kLargestInt)) {
      table.ranks.push_back(static_cast<int>(rank));
    }
    LQ_CHECK(!table.ranks.empty(), kCorruptFile, "{}: \"ranks\" is empty", fields.who());
  } else {
    LQ_CHECK(!is_auto, kCorruptFile, "{}: \"rank\" is \"auto\", but \"ranks\" is missing", fields.who());
    table.rank = static_cast<int>(fields.integer_or("rank", table.rank, 0, kLargestInt));
  }
  table.factor_bits = static_cast<int>(fields.integer_or("factor_bits", table.factor_bits, 0, kLargestInt));
}

}  // namespace

ErrorTable error_table_from_json(const json& object, std::string_view who) {
  const JsonObject fields = JsonObject::record(object, std::string(who));
  ErrorTable table;
  table.model = fields.text_or("model", "");
  table.method = fields.text_or("method", "");
  table.weights = fields.text_or("weights", "");
  read_ranks(fields, table);
  const nlohmann::ordered_json& configs = fields.any("configs");
  LQ_CHECK(configs.is_array(), kCorruptFile, "{}: key 'configs' is a {}, but must be a list", who,
           configs.type_name());
  for (std::size_t c = 0; c < configs.size(); ++c) {
    table.configs.push_back(choice_name_from_json(configs[c], fmt::format("{}: configs[{}]", who, c)));
  }
  for (const JsonObject& matrix : fields.required_sections("matrices")) {
    // Their sizes are judged below, with the matrix's name.
    table.matrices.push_back({matrix.text("name"), matrix.integer("rows", INT64_MIN, INT64_MAX),
                              matrix.integer("cols", INT64_MIN, INT64_MAX)});
  }
  table.bits = cells_at(fields, "bits", table.matrices.size(), table.configs.size());
  table.errors = cells_at(fields, "errors", table.matrices.size(), table.configs.size());
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
