// An allocation: which choice each matrix gets, and how near that is to the best possible.
//
// On disk it is JSON, written by us, by hand or by another program:
//   {"bits_per_weight": 2.75, "objective": 12.5, "bound": 12.499, "gap": 8e-05,
//    "choices": {"<matrix>": [3, 8, "fp32", 64, 256], ...}}
// A choice stands as its name does in an error table (choice_name.h). Only "choices" must be there. We add
// "model", "method", "weights" and "rank" of the table where known; with rank auto "rank" is "auto", and
// "ranks": {"<matrix>": 8, ...} names each matrix's.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

struct AllocatedMatrix {
  std::string name;
  std::string choice;  // its name
  int rank = 0;
  bool operator==(const AllocatedMatrix&) const = default;
};

struct Allocation {
  double bits_per_weight = 0;  // storage over weights, all matrices; with rank auto the factors' bits as well
  double factor_bits_per_weight = 0;   // of these the factors'; 0 unless has_ranks
  double objective = 0;                // sum of the table's errors
  double bound = 0;                    // proven: no allocation within the budget and the constraints has less
  double gap = 0;                      // (objective - bound) / objective; 0 where objective is 0
  bool has_ranks = false;              // ranks were part of the choice
  std::string model, method, weights;  // of the table
  std::vector<AllocatedMatrix> choices;  // in the table's order

  bool operator==(const Allocation&) const = default;
};

// Throws Error(kCorruptFile) starting with `who`. Choices come in the order of their names.
Allocation allocation_from_json(const nlohmann::json& json, std::string_view who);
nlohmann::ordered_json allocation_to_json(const Allocation& allocation);

// Throws Error(kNotFound), Error(kIo), Error(kCorruptFile) naming the file.
Allocation read_allocation(const std::filesystem::path& path);
// Atomically, one choice a line.
void write_allocation(const std::filesystem::path& path, const Allocation& allocation);

}  // namespace lq
