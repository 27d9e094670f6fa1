// Two jobs that differ in a value and in what is given.
#pragma once

#include <nlohmann/json.hpp>

namespace lq::job_test {

inline const nlohmann::json kJob = {{"bits", 3}, {"source", "abc"}, {"seed", 0}};
inline const nlohmann::json kOther = {{"bits", 4}, {"source", "abc"}, {"rank", 8}};

}  // namespace lq::job_test
