#include "ops/lengths.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace lq {
namespace {

TEST(Lengths, OfRowsAndColumns) {
  ThreadPool pool(2);
  const std::vector<float> x = {3.0F, 4.0F, 0.0F, 0.0F, -3.0F, 2.0F};
  std::vector<float> rows(2);
  std::vector<float> columns(3);
  row_lengths(pool, {x.data(), 2, 3}, rows);
  column_lengths(pool, {x.data(), 2, 3}, columns);
  EXPECT_EQ(rows, (std::vector<float>{5.0F, std::sqrt(13.0F)}));
  EXPECT_EQ(columns, (std::vector<float>{3.0F, 5.0F, 2.0F}));
  EXPECT_THROW(row_lengths(pool, {x.data(), 2, 3}, columns), Error);
  EXPECT_THROW(column_lengths(pool, {x.data(), 2, 3}, rows), Error);
}

TEST(Lengths, ProductsWithThem) {
  ThreadPool pool(2);
  std::vector<float> x = {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F};
  const std::vector<float> two = {2.0F, -1.0F};
  const std::vector<float> three = {1.0F, 0.5F, 2.0F};
  scale_rows(pool, two, {x.data(), 2, 3});
  EXPECT_EQ(x, (std::vector<float>{2.0F, 4.0F, 6.0F, -4.0F, -5.0F, -6.0F}));
  scale_columns(pool, three, {x.data(), 2, 3});
  EXPECT_EQ(x, (std::vector<float>{2.0F, 2.0F, 12.0F, -4.0F, -2.5F, -12.0F}));
  multiply(pool, {x.data(), 2, 3}, {x.data(), 2, 3});
  EXPECT_EQ(x, (std::vector<float>{4.0F, 4.0F, 144.0F, 16.0F, 6.25F, 144.0F}));
  std::vector<float> q(2);
  quotients(pool, two, ConstVector(x).subspan(0, 2), q);
  EXPECT_EQ(q, (std::vector<float>{0.5F, -0.25F}));
  EXPECT_THROW(scale_rows(pool, three, {x.data(), 2, 3}), Error);
  EXPECT_THROW(scale_columns(pool, two, {x.data(), 2, 3}), Error);
  EXPECT_THROW(quotients(pool, two, three, q), Error);
}

TEST(Lengths, Transpose) {
  ThreadPool pool(3);
  const std::vector<float> x = {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F};
  std::vector<float> to(6);
  transpose(pool, {x.data(), 2, 3}, {to.data(), 3, 2});
  EXPECT_EQ(to, (std::vector<float>{1.0F, 4.0F, 2.0F, 5.0F, 3.0F, 6.0F}));
  EXPECT_THROW(transpose(pool, {x.data(), 2, 3}, {to.data(), 2, 3}), Error);
}

}  // namespace
}  // namespace lq
