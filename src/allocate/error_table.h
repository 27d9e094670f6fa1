// The error table: error and storage of every matrix at every choice. What `sweep` writes and `allocate`
// reads.
//
// On disk it is JSON (.json, or .json.gz), written by us, by hand or by another program:
//
//   {"model": "<hash>", "rank": 64, "method": "lq", "weights": "fisher",
//    "configs": [[3, 8, "fp32", 64, 256], ...],              C choices
//    "matrices": [{"name": "...", "rows": 4096, "cols": 4096}, ...],   M matrices
//    "bits":   [[3.127, ...], ...],                          M rows of C numbers: bits per weight
//    "errors": [[0.0125, ...], ...]}                         M rows of C numbers: squared, in the norm of
//    "weights"
//
// "configs", "matrices", "bits" and "errors" must be there; the rest may be left out (rank: 0, that is no
// low-rank part; null is the same). Keys that are not listed here are ignored.
//
// A choice is known by its name (choice_name.h): of the formats with a codebook an array, as above; of others
// a string such as "int-row 4". Nothing here asks what it means: jobs/choice_names.h does.
//
// Rank as part of the choice (`--rank auto`; docs/method.md, "Which bits for which matrix"):
//
//   "rank": "auto", "ranks": [8, ...], "factor_bits": 16     choice c is (configs[c], ranks[c])
//
// A choice may then stand more than once, with another rank each time, and "bits" counts the factors
// as well: b + b0/B0 + ... + rank (rows + cols) factor_bits / (rows cols).
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

struct TableMatrix {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  bool operator==(const TableMatrix&) const = default;
};

struct ErrorTable {
  std::string model;                 // hash of the model's files; "" where unknown
  int rank = 0;                      // of every choice, where `ranks` is empty; not counted in `bits`
  std::vector<int> ranks;            // [configs] for rank auto, else empty
  int factor_bits = 16;              // of one number of L1 or L2, for rank auto
  std::string method;                // "lq", "qlora", ...; "" where unknown
  std::string weights;               // "none", "fisher", "input", "kfac", ...; "" where unknown
  std::vector<std::string> configs;  // names of the choices
  std::vector<TableMatrix> matrices;
  std::vector<double> bits;    // [matrices, configs] row-major; bits per weight, > 0
  std::vector<double> errors;  // [matrices, configs] row-major; >= 0

  bool operator==(const ErrorTable&) const = default;
  std::size_t position(std::size_t matrix, std::size_t choice) const {
    return matrix * configs.size() + choice;
  }
  bool has_ranks() const { return !ranks.empty(); }
  int rank_of(std::size_t choice) const { return ranks.empty() ? rank : ranks[choice]; }
};

// Bits per weight that the factors of `rank` take in a rows x cols matrix.
double factor_bits_per_weight(const TableMatrix& matrix, int rank, int factor_bits);

// The same table with `factor_bits` for each number of L1 or L2: `bits` follow. REQUIRES: table.has_ranks().
ErrorTable with_factor_bits(ErrorTable table, int factor_bits);

// Throws Error(kCorruptFile) starting with `who` and naming matrix and choice, unless sizes agree, names and
// choices are unique, shapes positive, bits positive and finite, errors finite and not negative, and (rank
// auto) bits leave something over for the codes when the factors are taken off.
void check_error_table(const ErrorTable& table, std::string_view who);

// Throws Error(kMismatch) naming both hashes or the first matrix that differs, unless the table is of the
// model with this hash (an empty hash on either side matches any) and holds every one of `matrices` in the
// same shape.
void check_table_covers(const ErrorTable& table, std::string_view model_hash,
                        std::span<const TableMatrix> matrices, std::string_view who);

// Checked as by check_error_table. Throws Error(kCorruptFile) starting with `who`.
ErrorTable error_table_from_json(const nlohmann::json& json, std::string_view who);
// REQUIRES: a table that passes check_error_table. Numbers survive exactly.
nlohmann::ordered_json error_table_to_json(const ErrorTable& table);

// Throws Error(kNotFound), Error(kIo), Error(kCorruptFile) naming the file.
ErrorTable read_error_table(const std::filesystem::path& path);
// Checks the table, then writes it atomically on one line; .gz is deflated.
void write_error_table(const std::filesystem::path& path, const ErrorTable& table);

}  // namespace lq
