// What `quantize` tells of its work, per matrix and in total; kept in OUT/lqlora.json and printed with
// --json.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lq {

struct MatrixReport {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::string choice;  // its name, as in an error table
  std::int64_t rank = 0;
  double relative_error = 0.0;           // ||W - Q - L1 L2||_F / ||W||_F
  double relative_weighted_error = 0.0;  // the same in the importance's norm; equal where there is none
  std::int64_t iterations = 0;
  double seconds = 0.0;
  double squared_norm = 0.0;        // ||W||_F^2
  std::int64_t storage_bytes = 0;   // of Q as packed: codes, both levels of scales, offset, padding
  std::int64_t low_rank_bytes = 0;  // of L1 and L2 as stored in the adapter
  // Weights input: the moment's diagonal did better on held-out inputs and was taken.
  bool diagonal = false;
};

// How the configurations of a budget were chosen.
struct AllocationReport {
  double objective = 0.0;  // sum of the table's errors
  double bound = 0.0;      // proven
  double gap = 0.0;
};

struct QuantizeReport {
  std::vector<MatrixReport> matrices;
  std::string method, importance, codebook, scales, feedback, factors;  // what was done, defaults filled in
  std::optional<AllocationReport> allocation;
  double seconds = 0.0;
  std::int64_t peak_rss_bytes = 0;
  std::int64_t output_bytes = 0;
  bool already_done = false;  // the same job had been finished before; nothing was computed

  std::int64_t weights() const;  // in all quantized matrices
  double bits_per_weight() const;
  double bits_per_weight_with_low_rank() const;
  double relative_error() const;  // of all matrices as one vector
};

nlohmann::ordered_json to_json(const MatrixReport& report);
// Throws Error(kCorruptFile) naming `who`.
MatrixReport matrix_report_from_json(const nlohmann::json& json, const std::string& who);
// The keys of docs: bits_per_weight, bits_per_weight_with_low_rank, relative_error, matrices, seconds,
// peak_rss_bytes.
nlohmann::ordered_json to_json(const QuantizeReport& report);
// The same without what differs from run to run (seconds, memory): for OUT/lqlora.json.
nlohmann::ordered_json to_reproducible_json(const QuantizeReport& report);
// Reads either; throws Error(kCorruptFile) naming `who`.
QuantizeReport quantize_report_from_json(const nlohmann::json& json, const std::string& who);

}  // namespace lq
