#include "allocate/error_table.h"

#include <limits>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.h"

namespace lq {
namespace {

constexpr std::int64_t kMaxDimension = std::numeric_limits<std::int32_t>::max();
constexpr double kMaxBits = 1e6;                    // per weight: far above anything real
constexpr double kMaxError = 1e200;                 // sums of errors must stay finite
constexpr double kMaxWeights = 9007199254740992.0;  // 2^53: whole numbers of weights stay exact in a double

void check_matrices(const ErrorTable& table, std::string_view who) {
  std::unordered_set<std::string_view> names;
  double weights = 0;
  for (const TableMatrix& m : table.matrices) {
    LQ_CHECK(!m.name.empty(), kCorruptFile, "{}: a matrix without a name", who);
    LQ_CHECK(names.insert(m.name).second, kCorruptFile, "{}: matrix \"{}\" is there twice", who, m.name);
    LQ_CHECK(m.rows > 0 && m.cols > 0 && m.rows <= kMaxDimension && m.cols <= kMaxDimension, kCorruptFile,
             "{}: matrix \"{}\" is {} x {}, but both sizes must be from 1 to {}", who, m.name, m.rows, m.cols,
             kMaxDimension);
    weights += static_cast<double>(m.rows) * static_cast<double>(m.cols);
  }
  LQ_CHECK(weights <= kMaxWeights, kCorruptFile, "{}: {} weights in all, but at most 2^53 can be counted",
           who, weights);
}

void check_choices(const ErrorTable& table, std::string_view who) {
  LQ_CHECK(table.rank >= 0, kCorruptFile, "{}: rank is {}, but cannot be negative", who, table.rank);
  LQ_CHECK(table.ranks.empty() || table.ranks.size() == table.configs.size(), kCorruptFile,
           "{}: {} ranks for {} configs, but each config needs one", who, table.ranks.size(),
           table.configs.size());
  LQ_CHECK(table.factor_bits > 0 && table.factor_bits <= 1024, kCorruptFile,
           "{}: factor_bits is {}, but must be from 1 to 1024", who, table.factor_bits);
  std::set<std::pair<std::string_view, int>> seen;
  for (std::size_t c = 0; c < table.configs.size(); ++c) {
    const std::string& name = table.configs[c];
    LQ_CHECK(!name.empty(), kCorruptFile, "{}: configs[{}] has no name", who, c);
    const int rank = table.rank_of(c);
    LQ_CHECK(rank >= 0 && rank <= kMaxDimension, kCorruptFile, "{}: ranks[{}] is {}, but cannot be negative",
             who, c, rank);
    LQ_CHECK(seen.emplace(name, rank).second, kCorruptFile,
             "{}: configs[{}], {} with rank {}, is there twice", who, c, name, rank);
  }
}

}  // namespace

double factor_bits_per_weight(const TableMatrix& matrix, int rank, int factor_bits) {
  const auto rows = static_cast<double>(matrix.rows);
  const auto cols = static_cast<double>(matrix.cols);
  return static_cast<double>(rank) * (rows + cols) * static_cast<double>(factor_bits) / (rows * cols);
}

ErrorTable with_factor_bits(ErrorTable table, int factor_bits) {
  LQ_ASSERT(table.has_ranks());
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    for (std::size_t c = 0; c < table.configs.size(); ++c) {
      const int rank = table.ranks[c];
      table.bits[table.position(i, c)] += factor_bits_per_weight(table.matrices[i], rank, factor_bits) -
                                          factor_bits_per_weight(table.matrices[i], rank, table.factor_bits);
    }
  }
  table.factor_bits = factor_bits;
  return table;
}

void check_error_table(const ErrorTable& table, std::string_view who) {
  LQ_CHECK(!table.matrices.empty(), kCorruptFile, "{}: no matrices", who);
  LQ_CHECK(!table.configs.empty(), kCorruptFile, "{}: no configs", who);
  const std::size_t cells = table.matrices.size() * table.configs.size();
  LQ_CHECK(table.bits.size() == cells && table.errors.size() == cells, kCorruptFile,
           "{}: {} bits and {} errors, but {} matrices x {} configs make {} cells", who, table.bits.size(),
           table.errors.size(), table.matrices.size(), table.configs.size(), cells);
  check_matrices(table, who);
  check_choices(table, who);
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    const TableMatrix& m = table.matrices[i];
    for (std::size_t c = 0; c < table.configs.size(); ++c) {
      const double bits = table.bits[table.position(i, c)];
      const double error = table.errors[table.position(i, c)];
      LQ_CHECK(bits > 0 && bits <= kMaxBits, kCorruptFile,
               "{}: bits[{}][{}] of \"{}\" is {}, but must be above 0 and at most {}", who, i, c, m.name,
               bits, kMaxBits);
      LQ_CHECK(error >= 0 && error <= kMaxError, kCorruptFile,
               "{}: errors[{}][{}] of \"{}\" is {}, but must be from 0 to {}", who, i, c, m.name, error,
               kMaxError);
      if (table.has_ranks()) {
        const double factors = factor_bits_per_weight(m, table.ranks[c], table.factor_bits);
        LQ_CHECK(bits > factors, kCorruptFile,
                 "{}: bits[{}][{}] of \"{}\" is {}, but the factors of rank {} alone take {} and must be "
                 "counted in",
                 who, i, c, m.name, bits, table.ranks[c], factors);
      }
    }
  }
}

void check_table_covers(const ErrorTable& table, std::string_view model_hash,
                        std::span<const TableMatrix> matrices, std::string_view who) {
  LQ_CHECK(model_hash.empty() || table.model.empty() || table.model == model_hash, kMismatch,
           "{}: made from the model with hash {}, but this one has {}", who, table.model, model_hash);
  std::unordered_map<std::string_view, const TableMatrix*> by_name;
  for (const TableMatrix& m : table.matrices) by_name.emplace(m.name, &m);
  for (const TableMatrix& wanted : matrices) {
    const auto found = by_name.find(wanted.name);
    LQ_CHECK(found != by_name.end(), kMismatch, "{}: matrix \"{}\" of the model is missing", who,
             wanted.name);
    const TableMatrix& m = *found->second;
    LQ_CHECK(m == wanted, kMismatch, "{}: matrix \"{}\" is {} x {}, but {} x {} in the model", who, m.name,
             m.rows, m.cols, wanted.rows, wanted.cols);
  }
}

}  // namespace lq
