// Error tables and allocations from outside. An Error is the only way out; a table that is accepted comes
// back the same from what we write, and can be solved: within the budget, above its own bound, no worse than
// every uniform choice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "allocate/solve.h"
#include "base/error.h"
#include "files/json_file.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void solve(const lq::ErrorTable& table) {
  if (table.matrices.size() * table.configs.size() > 4096) return;
  const lq::Allocator allocator(table);
  const double least = allocator.least_bits();
  require(least > 0 && least <= allocator.most_bits());
  for (const double at : {0.0, 0.4, 1.5}) {
    const double budget = least + at * (allocator.most_bits() - least);
    // Without branch and cut: its time has no bound that a fuzzer would wait for.
    const lq::Allocation best = allocator.solve(budget, {.max_states = 1000, .branch_and_cut = false});
    require(best.choices.size() == table.matrices.size());
    require(best.bits_per_weight <= budget * (1 + 1e-12));
    require(best.bound >= 0 && best.bound <= best.objective && best.gap >= 0 && best.gap <= 1);
    for (std::size_t c = 0; c < table.configs.size(); ++c) {
      double storage = 0;
      double error = 0;
      for (std::size_t i = 0; i < table.matrices.size(); ++i) {
        const lq::TableMatrix& m = table.matrices[i];
        storage +=
            table.bits[table.position(i, c)] * static_cast<double>(m.rows) * static_cast<double>(m.cols);
        error += table.errors[table.position(i, c)];
      }
      if (storage <= budget * allocator.weights()) require(best.bound <= error * (1 + 1e-9) + 1e-300);
    }
    const nlohmann::json written(lq::allocation_to_json(best));
    require(lq::allocation_from_json(written, "written").choices.size() == best.choices.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  nlohmann::json json;
  try {
    json = lq::parse_json(text, "input");
  } catch (const lq::Error&) {
    return 0;
  }
  try {
    const lq::ErrorTable table = lq::error_table_from_json(json, "input");
    lq::check_error_table(table, "input");
    require(lq::error_table_from_json(nlohmann::json(lq::error_table_to_json(table)), "written") == table);
    solve(table);
  } catch (const lq::Error& e) {
    require(e.code() == lq::ErrorCode::kCorruptFile);
  }
  try {
    const lq::Allocation allocation = lq::allocation_from_json(json, "input");
    const nlohmann::json written(lq::allocation_to_json(allocation));
    require(lq::allocation_from_json(written, "written").choices == allocation.choices);
  } catch (const lq::Error& e) {
    require(e.code() == lq::ErrorCode::kCorruptFile);
  }
  return 0;
}
