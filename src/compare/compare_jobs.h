// What each part of a comparison depends on: the job under which it is kept in the comparison's folder, and
// found again by the same recipe on the same files.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compare/compare_recipe.h"

namespace lq {

class CompareJobs {
 public:
  // recipe outlives it. Hashes the files that the recipe names. texts: those that models are scored on.
  CompareJobs(const CompareRecipe& recipe, const std::string& model_hash, const std::string& config_hash,
              const std::vector<std::string>& texts, std::uint64_t seed);

  // The dense model's scores.
  nlohmann::json dense() const;
  nlohmann::json statistics() const;
  // An error table: nothing but its name tells which method's it is.
  nlohmann::json table(ImportanceKind importance) const;
  // A packed model and its scores; of methods without one the dense model's.
  nlohmann::json base(CompareMethod method, double bits) const;
  // A fine-tuning of it.
  nlohmann::json run(CompareMethod method, double bits, std::uint64_t seed, double rate) const;

 private:
  const CompareRecipe& recipe_;
  std::uint64_t seed_;
  nlohmann::json common_, text_job_, data_job_;
};

}  // namespace lq
