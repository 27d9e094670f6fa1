// Products with low-rank parts folded in, on every device, against sums in double. In bf16 the bound is
// derived from the roundings: 2^-8 of each factor, and of u = x A^T and du = s dy B, which are factors again.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "ops/folded_matmul.h"
#include "ops/op_driver.h"
#include "ops/packed_on_device.h"
#include "ops/some_weights.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using op_driver::Expected;
using op_driver::OpCase;
using reference::normals;
using some_weights::Shared;

constexpr double kBf16 = 0x1p-8;
constexpr double kTwo = 2 * kBf16 + kBf16 * kBf16;  // of a product of two rounded factors

// A sum of products: what it is, the sum of its terms' sizes, and how far off it may be.
struct Sum {
  double value = 0.0, sizes = 0.0, error = 0.0;
  void add(double a, double b) { add(a, b, 0.0); }
  // a is off by `a_error` before it is rounded.
  void add(double a, double b, double a_error) {
    value += a * b;
    sizes += (std::abs(a) + a_error) * std::abs(b);
    error += a_error * (1 + kTwo) * std::abs(b) + std::abs(a * b) * kTwo;
  }
  // With sums in f32 of `terms` terms in any order.
  double bound(std::size_t terms) const {
    return error + op_driver::kRounding * (static_cast<double>(terms) + 6) * (1 + kTwo) * sizes;
  }
};

struct Part {
  std::size_t weight;
  std::int64_t rank;
  float scaling;
  bool apart = false;
};

// Weights of one input, their parts, and where each lies in flat operands.
struct Group {
  std::vector<Shared> weights;
  std::vector<Part> parts;  // of rising weights
  std::int64_t n = 0, cols = 0, outs = 0, ranks = 0;
  bool reversed = false;  // outputs lie the other way round
  std::vector<float> x, a, b, u, y;

  Group(std::vector<Shared> w, std::vector<Part> p, std::int64_t rows)
      : weights(std::move(w)), parts(std::move(p)), n(rows) {
    cols = weights[0]->view.cols;
    std::int64_t b_size = 0;
    for (const Shared& weight : weights) outs += weight->view.rows;
    for (const Part& part : parts) {
      ranks += part.rank;
      b_size += part.rank * weights[part.weight]->view.rows;
    }
    x = some(n * cols, 51);
    a = some(ranks * cols, 52);
    b = some(b_size, 53);
    u = some(n * ranks, 54);
    y = some(n * outs, 55);
  }
  static std::vector<float> some(std::int64_t count, std::uint64_t seed) {
    return normals(static_cast<std::size_t>(count), seed);
  }
  std::int64_t out(std::size_t i) const { return weights[i]->view.rows; }
  std::int64_t top(std::size_t i) const {
    std::int64_t at = 0;
    for (std::size_t k = 0; k < i; ++k) at += out(k);
    return at;
  }
  // Of output i in the flat outputs.
  std::int64_t place(std::size_t i) const { return n * (reversed ? outs - top(i) - out(i) : top(i)); }
  std::int64_t low(std::size_t p) const {
    std::int64_t at = 0;
    for (std::size_t k = 0; k < p; ++k) at += parts[k].rank;
    return at;
  }
  std::int64_t b_at(std::size_t p) const {
    std::int64_t at = 0;
    for (std::size_t k = 0; k < p; ++k) at += parts[k].rank * out(parts[k].weight);
    return at;
  }
  double w(std::size_t i, std::int64_t j, std::int64_t k) const {
    return weights[i]->values[static_cast<std::size_t>(j * cols + k)];
  }
  double x_of(std::int64_t row, std::int64_t k) const { return x[static_cast<std::size_t>(row * cols + k)]; }
  double dy_of(std::size_t i, std::int64_t row, std::int64_t j) const {
    return y[static_cast<std::size_t>(place(i) + row * out(i) + j)];
  }
  double a_of(std::size_t p, std::int64_t r, std::int64_t k) const {
    return a[static_cast<std::size_t>((low(p) + r) * cols + k)];
  }
  double b_of(std::size_t p, std::int64_t j, std::int64_t r) const {
    return b[static_cast<std::size_t>(b_at(p) + j * parts[p].rank + r)];
  }
  Sum u_of(std::size_t p, std::int64_t row, std::int64_t r) const {
    Sum sum;
    if (parts[p].apart) {
      sum.value = u[static_cast<std::size_t>(n * low(p) + row * parts[p].rank + r)];
      return sum;
    }
    for (std::int64_t k = 0; k < cols; ++k) sum.add(x_of(row, k), a_of(p, r, k));
    sum.error = sum.bound(static_cast<std::size_t>(cols));
    return sum;
  }
  Sum du_of(std::size_t p, std::int64_t row, std::int64_t r) const {
    Sum sum;
    const std::size_t i = parts[p].weight;
    for (std::int64_t j = 0; j < out(i); ++j) sum.add(dy_of(i, row, j), parts[p].scaling * b_of(p, j, r));
    sum.error = sum.bound(static_cast<std::size_t>(out(i)));
    return sum;
  }

  std::string name(std::string_view what) const {
    std::string text = fmt::format("{} {} inputs, {} rows:", what, cols, n);
    for (const Shared& weight : weights) text += fmt::format(" {} x {}", weight->name, weight->view.rows);
    for (const Part& p : parts)
      text += fmt::format(" ({} of rank {}{})", p.weight, p.rank, p.apart ? ", apart" : "");
    return text;
  }
  // As the op takes them; m: x, a, b, u, y or dy, and what the gradients are added to.
  std::vector<FoldedWeight> folded(const std::vector<PackedOnDevice>& placed, const std::vector<Matrix>& m,
                                   bool gradients) const {
    const auto at = [&](std::size_t which, std::int64_t begin, std::int64_t r, std::int64_t c) {
      return Matrix{m[which].data + begin, r, c, m[which].device};
    };
    std::vector<FoldedWeight> all;
    for (const PackedOnDevice& p : placed) all.push_back({p.view});
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const Part& part = parts[p];
      LowRankPart to{at(1, low(p) * cols, part.rank, cols), at(2, b_at(p), out(part.weight), part.rank),
                     part.scaling, part.apart};
      if (part.apart) to.u = at(3, n * low(p), n, part.rank);
      if (gradients) {
        to.da = at(6, low(p) * cols, part.rank, cols);
        to.db = at(7, b_at(p), out(part.weight), part.rank);
      }
      all[part.weight].parts.push_back(to);
    }
    return all;
  }
  std::vector<Matrix> outputs(const Matrix& flat) const {
    std::vector<Matrix> all;
    for (std::size_t i = 0; i < weights.size(); ++i)
      all.push_back({flat.data + place(i), n, out(i), flat.device});
    return all;
  }
  std::vector<op_driver::Operand> operands() const {
    return {{"x", n, cols, x},
            {"a", ranks, cols, a},
            {"b", 1, std::ssize(b), b},
            {"u", 1, n * ranks, u},
            {"y", 1, n * outs, y}};
  }
};
using SharedGroup = std::shared_ptr<const Group>;

std::vector<PackedOnDevice> placed(Context& ctx, const Group& g) {
  if (!ctx.device.is_cpu()) ctx.matmul_precision = MatmulPrecision::kBf16;
  std::vector<PackedOnDevice> all;
  for (const Shared& w : g.weights) all.push_back(copy_to_device(ctx, w->view));
  return all;
}

OpCase forward_case(const SharedGroup& g) {
  OpCase c;
  c.name = g->name("folded_forward");
  c.operands = g->operands();
  Expected y{4, std::vector<double>(g->y.size()), std::vector<double>(g->y.size())};
  for (std::int64_t row = 0; row < g->n; ++row) {
    std::vector<std::vector<Sum>> u;
    for (std::size_t p = 0; p < g->parts.size(); ++p) {
      u.emplace_back();
      for (std::int64_t r = 0; r < g->parts[p].rank; ++r) u.back().push_back(g->u_of(p, row, r));
    }
    for (std::size_t i = 0; i < g->weights.size(); ++i) {
      for (std::int64_t j = 0; j < g->out(i); ++j) {
        Sum sum;
        for (std::int64_t k = 0; k < g->cols; ++k) sum.add(g->x_of(row, k), g->w(i, j, k));
        for (std::size_t p = 0; p < g->parts.size(); ++p) {
          if (g->parts[p].weight != i) continue;
          for (std::size_t r = 0; r < u[p].size(); ++r)
            sum.add(u[p][r].value, g->parts[p].scaling * g->b_of(p, j, static_cast<std::int64_t>(r)),
                    u[p][r].error);
        }
        const auto at = static_cast<std::size_t>(g->place(i) + row * g->out(i) + j);
        y.values[at] = sum.value;
        y.bounds[at] = sum.bound(static_cast<std::size_t>(g->cols + g->ranks));
      }
    }
  }
  c.expected = {y};
  c.run = [g](Context& ctx, Workspace& ws, const std::vector<Matrix>& m) {
    const auto weights = placed(ctx, *g);
    folded_forward(ctx, ws, m[0], g->folded(weights, m, false), g->outputs(m[4]));
  };
  return c;
}

OpCase backward_case(const SharedGroup& g, bool accumulate) {
  OpCase c;
  c.name = g->name(accumulate ? "folded_backward +=" : "folded_backward");
  c.operands = g->operands();
  const auto dx0 = normals(g->x.size(), 61);
  const auto da0 = normals(g->a.size(), 62);
  const auto db0 = normals(g->b.size(), 63);
  c.operands.push_back({"dx", g->n, g->cols, dx0});
  c.operands.push_back({"da", g->ranks, g->cols, da0});
  c.operands.push_back({"db", 1, std::ssize(g->b), db0});
  Expected dx{5, {}, {}}, da{6, {da0.begin(), da0.end()}, std::vector<double>(da0.size())},
      db{7, {db0.begin(), db0.end()}, std::vector<double>(db0.size())};
  std::vector<std::vector<Sum>> u(g->parts.size()), du(g->parts.size());
  for (std::size_t p = 0; p < g->parts.size(); ++p) {
    for (std::int64_t row = 0; row < g->n; ++row) {
      for (std::int64_t r = 0; r < g->parts[p].rank; ++r) {
        u[p].push_back(g->u_of(p, row, r));
        du[p].push_back(g->du_of(p, row, r));
      }
    }
  }
  const auto at = [&](std::size_t p, std::int64_t row, std::int64_t r) {
    return static_cast<std::size_t>(row * g->parts[p].rank + r);
  };
  for (std::int64_t row = 0; row < g->n; ++row) {
    for (std::int64_t k = 0; k < g->cols; ++k) {
      Sum sum;
      for (std::size_t i = 0; i < g->weights.size(); ++i) {
        for (std::int64_t j = 0; j < g->out(i); ++j) sum.add(g->dy_of(i, row, j), g->w(i, j, k));
      }
      for (std::size_t p = 0; p < g->parts.size(); ++p) {
        if (g->parts[p].apart) continue;
        for (std::int64_t r = 0; r < g->parts[p].rank; ++r) {
          const Sum& s = du[p][at(p, row, r)];
          sum.add(s.value, g->a_of(p, r, k), s.error);
        }
      }
      const double before = accumulate ? dx0[static_cast<std::size_t>(row * g->cols + k)] : 0.0;
      sum.sizes += std::abs(before);
      dx.values.push_back(before + sum.value);
      dx.bounds.push_back(sum.bound(static_cast<std::size_t>(g->outs + g->ranks)));
    }
  }
  for (std::size_t p = 0; p < g->parts.size(); ++p) {
    const Part& part = g->parts[p];
    if (part.apart) continue;
    for (std::int64_t r = 0; r < part.rank; ++r) {
      for (std::int64_t k = 0; k < g->cols; ++k) {
        Sum sum;
        const auto to = static_cast<std::size_t>((g->low(p) + r) * g->cols + k);
        sum.sizes = std::abs(da.values[to]);
        for (std::int64_t row = 0; row < g->n; ++row)
          sum.add(du[p][at(p, row, r)].value, g->x_of(row, k), du[p][at(p, row, r)].error);
        da.values[to] += sum.value;
        da.bounds[to] = sum.bound(static_cast<std::size_t>(g->n));
      }
      for (std::int64_t j = 0; j < g->out(part.weight); ++j) {
        Sum sum;
        const auto to = static_cast<std::size_t>(g->b_at(p) + j * part.rank + r);
        sum.sizes = std::abs(db.values[to]);
        for (std::int64_t row = 0; row < g->n; ++row)
          sum.add(u[p][at(p, row, r)].value, part.scaling * g->dy_of(part.weight, row, j),
                  u[p][at(p, row, r)].error);
        db.values[to] += sum.value;
        db.bounds[to] = sum.bound(static_cast<std::size_t>(g->n));
      }
    }
  }
  c.expected = {dx, da, db};
  c.run = [g, accumulate](Context& ctx, Workspace& ws, const std::vector<Matrix>& m) {
    const auto weights = placed(ctx, *g);
    const auto dy = g->outputs(m[4]);
    folded_backward(ctx, ws, m[0], g->folded(weights, m, true),
                    std::vector<ConstMatrix>(dy.begin(), dy.end()), m[5], accumulate);
  };
  return c;
}

Shared coded(int bits, std::int64_t rows, std::int64_t cols) {
  return some_weights::codebook_weight({bits, 8, ScaleDType::kFp32, 64, 256}, rows, cols);
}

// What models have: equal and unequal neighbours, odd sizes and ranks, weights without and with two parts,
// dropout before some, one weight alone, other layouts, and what no device folds.
std::vector<SharedGroup> groups() {
  using some_weights::dense_weight;
  using some_weights::int_row_weight;
  using some_weights::trellis_weight;
  std::vector<SharedGroup> all;
  const auto add = [&](std::vector<Shared> w, std::vector<Part> p, std::int64_t n) {
    all.push_back(std::make_shared<const Group>(std::move(w), std::move(p), n));
  };
  add({coded(4, 64, 128), coded(4, 64, 128), coded(4, 64, 128)}, {{0, 8, 2.0F}, {1, 8, 2.0F}, {2, 8, 2.0F}},
      67);
  add({coded(4, 80, 128), coded(4, 32, 128), coded(3, 32, 128)}, {{0, 5, 0.5F}, {1, 3, -2.0F}, {2, 7, 0.3F}},
      33);
  add({coded(3, 70, 129), coded(2, 70, 129)}, {{0, 3, 0.7F}, {1, 3, 0.7F}, {1, 4, 1.5F}}, 66);
  add({coded(8, 65, 72), coded(4, 65, 72)}, {}, 65);
  add({coded(4, 33, 300)}, {{0, 6, 2.0F}, {0, 2, -0.25F}}, 9);
  add({coded(4, 96, 64)}, {{0, 4, 1.0F}, {0, 8, 2.0F, true}}, 17);
  add({coded(4, 40, 64), coded(4, 40, 64), coded(4, 40, 64)},
      {{0, 4, 1.0F, true}, {1, 2, 0.5F}, {1, 4, 1.0F, true}, {2, 4, 1.0F, true}}, 70);
  add({coded(4, 96, 64)}, {{0, 1, 3.0F, true}}, 17);
  add({trellis_weight(2, 48, 128), int_row_weight(3, 48, 128)}, {{0, 9, 1.1F}, {1, 9, 1.1F}}, 40);
  add({coded(4, 50, 64), dense_weight(backends::DenseType::kF32, DType::kF32, 50, 64)},
      {{0, 4, 1.0F}, {1, 4, 1.0F}}, 40);
  add({coded(4, 3, 15), coded(4, 3, 15)}, {{0, 2, 1.0F}}, 11);
  return all;
}

TEST(FoldedOnDevices, Forward) {
  for (const SharedGroup& g : groups()) {
    op_driver::check_op(forward_case(g));
    auto other_way = std::make_shared<Group>(*g);
    other_way->reversed = true;
    op_driver::check_op(forward_case(other_way));
  }
}

TEST(FoldedOnDevices, Backward) {
  for (const SharedGroup& g : groups()) {
    op_driver::check_op(backward_case(g, false));
    op_driver::check_op(backward_case(g, true));
  }
}

// Numbers of one forward and two backward passes on that queue, which keeps `kept` bytes of decoded weights.
std::vector<float> passes(Device device, const SharedGroup& g, MatmulPrecision precision) {
  op_driver::OnDevice place(device);
  Context& ctx = place.ctx;
  OpCase c = backward_case(g, false);
  c.run = [&](Context& there, Workspace& ws, const std::vector<Matrix>& m) {
    const auto weights = placed(there, *g);
    there.matmul_precision = precision;
    EXPECT_EQ(takes_folded(there, m[0]),
              precision == MatmulPrecision::kBf16 && std::getenv("LQ_CUDA_FOLD") == nullptr);
    const auto y = g->outputs(m[4]);
    folded_forward(there, ws, m[0], g->folded(weights, m, false), y);
    for (int pass = 0; pass < 2; ++pass)
      folded_backward(there, ws, m[0], g->folded(weights, m, true),
                      std::vector<ConstMatrix>(y.begin(), y.end()), m[5], pass == 1);
  };
  std::vector<float> all;
  for (const auto& operand : op_driver::internal::run_on(c, ctx))
    all.insert(all.end(), operand.begin(), operand.end());
  return all;
}

TEST(FoldedOnDevices, TheSwitchTurnsItOffAndF32IsNeverFolded) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  const SharedGroup g = groups()[1];
  for (const Device device : devices) {
    const auto folded = passes(device, g, MatmulPrecision::kBf16);
    const auto f32 = passes(device, g, MatmulPrecision::kF32);
    EXPECT_EQ(passes(device, g, MatmulPrecision::kBf16), folded) << "the same run gives other bits";
    ::setenv("LQ_CUDA_FOLD", "0", 1);
    const auto apart = passes(device, g, MatmulPrecision::kBf16);
    EXPECT_EQ(passes(device, g, MatmulPrecision::kF32), f32);
    ::unsetenv("LQ_CUDA_FOLD");
    EXPECT_NE(apart, folded);  // s B is rounded, not B
  }
}

}  // namespace
}  // namespace lq
