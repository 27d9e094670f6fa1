#include "ops/matmul.h"

#include <gtest/gtest.h>

#include "ops/cuda_twin.h"
#include "ops/op_driver.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

enum class Form { kPlain, kNt, kTn };

constexpr const char* kFormNames[] = {"matmul", "matmul_nt", "matmul_tn"};

OpCase matmul_case(Form form, std::int64_t m, std::int64_t n, std::int64_t k, const MatmulOptions& o) {
  const auto a = normals(static_cast<std::size_t>(m * k), 1);
  const auto b = normals(static_cast<std::size_t>(k * n), 2);
  const auto c0 = normals(static_cast<std::size_t>(m * n), 3);
  op_driver::Expected c{2, {}, {}};
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const double before = o.accumulate ? c0[static_cast<std::size_t>(i * n + j)] : 0.0;
      double sum = 0.0;
      double sizes = 0.0;
      for (std::int64_t p = 0; p < k; ++p) {
        const double term = double{a[static_cast<std::size_t>(form == Form::kTn ? p * m + i : i * k + p)]} *
                            b[static_cast<std::size_t>(form == Form::kNt ? j * k + p : p * n + j)];
        sum += term;
        sizes += std::abs(term);
      }
      c.values.push_back(o.alpha * sum + before);
      // k products and sums in any order, then alpha and what was there.
      c.bounds.push_back(kRounding * ((static_cast<double>(k) + 4) * std::abs(double{o.alpha}) * sizes +
                                      2 * std::abs(before)));
    }
  }
  const bool ta = form == Form::kTn;
  const bool tb = form == Form::kNt;
  return {.name = fmt::format("{} {} x {} x {}", kFormNames[static_cast<int>(form)], m, n, k),
          .operands = {{"a", ta ? k : m, ta ? m : k, a}, {"b", tb ? n : k, tb ? k : n, b}, {"c", m, n, c0}},
          .run =
              [form, o](Context& ctx, Workspace&, const std::vector<Matrix>& x) {
                switch (form) {
                  case Form::kPlain:
                    return matmul(ctx, x[0], x[1], x[2], o);
                  case Form::kNt:
                    return matmul_nt(ctx, x[0], x[1], x[2], o);
                  case Form::kTn:
                    return matmul_tn(ctx, x[0], x[1], x[2], o);
                }
              },
          .expected = {c},
          .twin =
              [=](const std::vector<Matrix>& x) {
                backends::cuda::Product q;
                q.m = m, q.n = n, q.k = k;
                q.a = x[0].data, q.c = x[2].data;
                q.b.rows = x[1].rows, q.b.cols = x[1].cols;
                q.b.dense.data = x[1].data;
                q.trans_a = ta, q.trans_b = tb;
                q.alpha = o.alpha, q.beta = o.accumulate ? 1.0F : 0.0F;
                op_driver::multiply_as_threads(q);
              }};
}

TEST(Matmul, EveryFormOnEveryDevice) {
  for (const Form form : {Form::kPlain, Form::kNt, Form::kTn}) {
    for (const auto& [m, n] : op_driver::sizes()) {
      for (const std::int64_t k : {1, 15, 16, 17, 67}) {
        check_op(matmul_case(form, m, n, k, {}));
        check_op(matmul_case(form, m, n, k, {.alpha = -0.75F, .accumulate = true}));
      }
    }
  }
}

TEST(Matmul, RefusesShapesThatDoNotFit) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  std::vector<float> x(12);
  const Matrix a{x.data(), 2, 3};
  EXPECT_THROW(matmul(ctx, a, {x.data(), 2, 2}, {x.data() + 6, 2, 2}), Error);
  EXPECT_THROW(matmul_nt(ctx, a, {x.data(), 2, 2}, {x.data() + 6, 2, 2}), Error);
}

}  // namespace
}  // namespace lq
