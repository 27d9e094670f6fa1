// What is missing: tests/base/shared_library_test.cc. What it solves: integer_programme_test.cc.
#include "allocate/cbc_library.h"

#include <gtest/gtest.h>

#include "allocate/integer_programme.h"

namespace lq {
namespace {

TEST(CbcLibrary, IsOpenedOnceAndSolvesByItsFunctions) {
  EXPECT_NO_THROW(require_branch_and_cut());
  const CbcLibrary& cbc = cbc_library();
  EXPECT_EQ(&cbc, &cbc_library());
  // minimise -x - y subject to 2 x + 2 y <= 3, x and y of {0, 1}: one of them.
  const CoinBigIndex starts[] = {0, 1, 2};
  const int rows[] = {0, 0};
  const double values[] = {2.0, 2.0}, lower[] = {0.0, 0.0}, upper[] = {1.0, 1.0}, cost[] = {-1.0, -1.0};
  const double row_lower[] = {-1e30}, row_upper[] = {3.0};
  Cbc_Model* const model = cbc.new_model();
  ASSERT_NE(model, nullptr);
  cbc.set_log_level(model, 0);
  cbc.load_problem(model, 2, 1, starts, rows, values, lower, upper, cost, row_lower, row_upper);
  cbc.set_obj_sense(model, 1);
  for (int k = 0; k < 2; ++k) cbc.set_integer(model, k);
  cbc.solve(model);
  EXPECT_EQ(cbc.status(model), 0);
  EXPECT_EQ(cbc.is_proven_infeasible(model), 0);
  const double* const x = cbc.best_solution(model);
  ASSERT_NE(x, nullptr);
  EXPECT_NEAR(x[0] + x[1], 1.0, 1e-9);
  EXPECT_NEAR(cbc.get_best_possible_obj_value(model), -1.0, 1e-9);
  cbc.delete_model(model);
}

}  // namespace
}  // namespace lq
