// Weights of every layout on every device: decoded to the reference's bits, and multiplied within the bound
// of a sum in any order.
#include <gtest/gtest.h>

#include <cstring>

#include "backends/few_rows_bound.h"
#include "ops/cuda_twin.h"
#include "ops/op_driver.h"
#include "ops/packed_matmul.h"
#include "ops/packed_on_device.h"
#include "ops/packed_tiles.h"
#include "ops/some_weights.h"
#include "reference/numbers.h"

namespace lq {
namespace {

using backends::PackedLayout;
using backends::PackedView;
using op_driver::check_op;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;
using some_weights::codebook_weight;
using some_weights::Shared;
using some_weights::some_weights_of;
using some_weights::SomeWeight;
using some_weights::trellis_weight;

// What a product for few rows adds to the bound where it rounds a codebook and activations to 14 bits
// (backends/cpu/nf_gemv.h): half a step of each times the largest of the other.
double few_rows_share(const PackedView& w, std::int64_t row, std::int64_t k, float value, const float* x) {
  const bool trellis = w.layout == PackedLayout::kTrellis;
  if (w.layout != PackedLayout::kCodebook && !trellis) return 0.0;
  constexpr double kHalfStep = 0.5 / 16383;
  const std::int64_t group = k / 64 * 64;  // of a trellis code: its block
  double largest = 0.0;
  for (std::int64_t i = group; i < std::min(group + 64, w.cols); ++i)
    largest = std::max(largest, std::abs(double{x[i]}));
  if (trellis) {  // its values are whole numbers; f32 sums of what they are without their centre
    const std::int64_t blocks = (w.cols + w.trellis.block - 1) / w.trellis.block;
    const double scale = 0.003 + 0.01 * w.trellis.scales[row * blocks + k / w.trellis.block] / 255;
    return kHalfStep * largest * std::abs(double{value}) + 6e-8 * 1020 * scale * largest;
  }
  const double scale = std::abs(
      double{backends::cuda::restore_scale(w.codebook, (row * w.cols + k) / w.codebook.format.block)});
  return kHalfStep * (scale * std::abs(double{x[k]}) + largest * std::abs(double{value}));
}

OpCase forward_case(const Shared& w, std::int64_t n) {
  const PackedView& v = w->view;
  const auto x = normals(static_cast<std::size_t>(n * v.cols), 31);
  op_driver::Expected y{1, {}, {}};
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < v.rows; ++j) {
      double sum = 0.0;
      double sizes = 0.0;
      double rounded = 0.0;
      for (std::int64_t k = 0; k < v.cols; ++k) {
        const float value = w->values[static_cast<std::size_t>(j * v.cols + k)];
        const double term = double{value} * x[static_cast<std::size_t>(i * v.cols + k)];
        sum += term;
        sizes += std::abs(term);
        if (n <= kPackedFewRows) rounded += few_rows_share(v, j, k, value, x.data() + i * v.cols);
      }
      y.values.push_back(sum);
      // One rounding more for the scale of a layout that multiplies codes first.
      y.bounds.push_back(kRounding * (static_cast<double>(v.cols) + 4) * (sizes + rounded) + rounded);
    }
  }
  return {
      .name = fmt::format("packed_matmul_forward {} {} x {} by {}", w->name, v.rows, v.cols, n),
      .operands = {{"x", n, v.cols, x}, {"y", n, v.rows, normals(static_cast<std::size_t>(n * v.rows), 9)}},
      .run =
          [w](Context& ctx, Workspace& ws, const std::vector<Matrix>& m) {
            const PackedOnDevice there = copy_to_device(ctx, w->view);
            packed_matmul_forward(ctx, ws, there.view, m[0], m[1]);
          },
      .expected = {y},
      .twin =
          [w, n](const std::vector<Matrix>& m) {
            backends::cuda::Product q;
            q.m = n, q.n = w->view.rows, q.k = w->view.cols;
            q.a = m[0].data, q.b = w->view, q.c = m[1].data;
            q.trans_b = true;
            op_driver::multiply_as_threads(q);
          }};
}

OpCase backward_case(const Shared& w, std::int64_t n, bool accumulate) {
  const PackedView& v = w->view;
  const auto dy = normals(static_cast<std::size_t>(n * v.rows), 32);
  const auto dx0 = normals(static_cast<std::size_t>(n * v.cols), 33);
  op_driver::Expected dx{1, {}, {}};
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t k = 0; k < v.cols; ++k) {
      const double before = accumulate ? dx0[static_cast<std::size_t>(i * v.cols + k)] : 0.0;
      double sum = 0.0;
      double sizes = 0.0;
      for (std::int64_t j = 0; j < v.rows; ++j) {
        const double term = double{w->values[static_cast<std::size_t>(j * v.cols + k)]} *
                            dy[static_cast<std::size_t>(i * v.rows + j)];
        sum += term;
        sizes += std::abs(term);
      }
      dx.values.push_back(before + sum);
      dx.bounds.push_back(kRounding * ((static_cast<double>(v.rows) + 4) * sizes + 2 * std::abs(before)));
    }
  }
  return {.name = fmt::format("packed_matmul_backward {} {} x {} by {}", w->name, v.rows, v.cols, n),
          .operands = {{"dy", n, v.rows, dy}, {"dx", n, v.cols, dx0}},
          .run =
              [w, accumulate](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                const PackedOnDevice there = copy_to_device(ctx, w->view);
                packed_matmul_backward(ctx, there.view, m[0], m[1], accumulate);
              },
          .expected = {dx},
          .twin =
              [w, n, accumulate](const std::vector<Matrix>& m) {
                backends::cuda::Product q;
                q.m = n, q.n = w->view.cols, q.k = w->view.rows;
                q.a = m[0].data, q.b = w->view, q.c = m[1].data;
                q.beta = accumulate ? 1.0F : 0.0F;
                op_driver::multiply_as_threads(q);
              }};
}

// Rows [begin, rows) in f32, exactly.
OpCase decode_case(const Shared& w, std::int64_t begin) {
  const PackedView& v = w->view;
  const std::int64_t count = v.rows - begin;
  op_driver::Expected out{0, {w->values.begin() + begin * v.cols, w->values.end()}, {}};
  out.bounds.assign(out.values.size(), 0.0);
  return {.name = fmt::format("packed_rows {} {} x {} from {}", w->name, v.rows, v.cols, begin),
          .operands = {{"out", count, v.cols, normals(out.values.size(), 9)}},
          .run =
              [w, begin, count](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                const PackedOnDevice there = copy_to_device(ctx, w->view);
                packed_rows(ctx, there.view, begin, count, m[0].data);
              },
          .expected = {out},
          .twin =
              [w, begin](const std::vector<Matrix>& m) {
                op_driver::decode_as_threads(w->view, begin * w->view.cols, w->view.rows * w->view.cols,
                                             m[0].data);
              }};
}

TEST(PackedOnDevices, RowsComeBackToTheBit) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    for (const Shared& w : some_weights_of(rows, cols)) {
      for (const std::int64_t begin : {std::int64_t{0}, rows / 2}) check_op(decode_case(w, begin));
    }
  }
}

TEST(PackedOnDevices, ProductsForward) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    for (const Shared& w : some_weights_of(rows, cols)) {
      for (const std::int64_t n : {1, 3, 5, 67}) check_op(forward_case(w, n));
    }
  }
  for (const Shared& w : some_weights_of(65, 192)) check_op(forward_case(w, 2));
}

TEST(PackedOnDevices, ProductsBackward) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    for (const Shared& w : some_weights_of(rows, cols)) {
      check_op(backward_case(w, 1, true));
      check_op(backward_case(w, 66, false));
    }
  }
}

// Whatever is computed together: the bits of each product alone, and of what is added.
TEST(PackedOnDevices, SeveralProductsOfFewRowsAreThoseOfEachAlone) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  std::vector<Shared> weights;
  for (const std::int64_t rows : {70, 16, 5}) {
    for (const Shared& w : some_weights_of(rows, 128)) weights.push_back(w);
  }
  for (const std::int64_t rows : {80, 17, 32, 33}) {  // two of them in tiles, below
    weights.push_back(codebook_weight({3, 8, ScaleDType::kFp32, 64, 256}, rows, 128));
    weights.push_back(codebook_weight({4, 8, ScaleDType::kFp32, 64, 256}, rows, 128));
  }
  for (const Device device : devices) {
    op_driver::OnDevice place(device);
    Context& ctx = place.ctx;
    for (const std::int64_t n : {1, 3, 8}) {
      for (const auto precision : {DecodePrecision::kFine, DecodePrecision::kFast}) {
        ctx.decode_precision = precision;
        Workspace ws(device, empty_tensor);
        Scratch scratch(ws);
        const Matrix x = scratch.matrix(n, 128);
        copy_values(ctx, normals(static_cast<std::size_t>(n * 128), 31), x.flat());
        std::vector<PackedOnDevice> placed;
        std::vector<FewProduct> all;
        std::vector<std::vector<float>> want;
        for (std::size_t i = 0; i < weights.size(); ++i) {
          const Shared& w = weights[i];
          placed.push_back(copy_to_device(ctx, w->view));
          if (i % 2 == 0) to_tiles(ctx, placed.back());
          const Matrix y = scratch.matrix(n, w->view.rows);
          const auto before = normals(static_cast<std::size_t>(y.size()), 40 + i);
          packed_matmul_forward(ctx, ws, placed.back().view, x, y);
          std::vector<float> alone(before.size());
          copy_values(ctx, y.flat(), alone);
          const bool accumulate = i % 3 == 1;
          const float alpha = i % 2 == 0 ? 1.0F : -0.5F;  // exact
          for (std::size_t e = 0; e < alone.size(); ++e)
            alone[e] = accumulate ? before[e] + alpha * alone[e] : alpha * alone[e];
          want.push_back(std::move(alone));
          copy_values(ctx, before, y.flat());
          all.push_back({placed.back().view, x, y, alpha, accumulate});
        }
        packed_matmul_few(ctx, all);
        for (std::size_t i = 0; i < all.size(); ++i) {
          std::vector<float> have(want[i].size());
          copy_values(ctx, all[i].y.flat(), have);
          EXPECT_EQ(have, want[i]) << weights[i]->name << ", " << n << " rows";
        }
      }
    }
  }
}

// What y = x W^T gives for `n` rows of some x.
std::vector<float> product_of(Context& ctx, Workspace& ws, const PackedView& w, std::int64_t n) {
  Scratch scratch(ws);
  const Matrix x = scratch.matrix(n, w.cols);
  const Matrix y = scratch.matrix(n, w.rows);
  copy_values(ctx, normals(static_cast<std::size_t>(x.size()), 31), x.flat());
  packed_matmul_forward(ctx, ws, w, x, y);
  std::vector<float> out(static_cast<std::size_t>(y.size()));
  copy_values(ctx, y.flat(), out);
  return out;
}

// That fast products of 1 to 8 rows keep their bound. roundings: of each term, to half precision.
void expect_fast_products(Context ctx, Workspace& ws, const SomeWeight& w, const PackedView& there,
                          double roundings) {
  ctx.decode_precision = DecodePrecision::kFast;
  const std::int64_t rows = w.view.rows;
  const std::int64_t cols = w.view.cols;
  for (std::int64_t n = 1; n <= 8; ++n) {
    const auto x = normals(static_cast<std::size_t>(n * cols), 31);
    const std::vector<float> y = product_of(ctx, ws, there, n);
    for (std::int64_t r = 0; r < n; ++r) {
      for (std::int64_t i = 0; i < rows; ++i) {
        const auto b =
            backends::few_rows_bound(w.values.data() + i * cols, x.data() + r * cols, cols, roundings);
        ASSERT_LE(std::abs(y[static_cast<std::size_t>(r * rows + i)] - b.sum), b.bound)
            << w.name << ' ' << rows << " x " << cols << ", row " << i << ", " << r << " of " << n;
      }
    }
  }
}

// Values of trellis codes are exact in half precision: only x is rounded.
TEST(PackedOnDevices, FastProductsOfFewRowsOfTrellisCodes) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  for (const Device device : devices) {
    op_driver::OnDevice place(device);
    Context& ctx = place.ctx;
    Workspace ws(device, empty_tensor);
    for (const int bits : {2, 3, 4}) {
      for (const int block : {32, 64, 256}) {
        for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{1, 64}, {35, 704}}) {
          const Shared w = trellis_weight(bits, rows, cols, 16 - bits, block);
          const PackedOnDevice there = copy_to_device(ctx, w->view);
          expect_fast_products(ctx, ws, *w, there.view, 1);
          if (testing::Test::HasFatalFailure()) return;
          Context fast = ctx;
          fast.decode_precision = DecodePrecision::kFast;
          EXPECT_NE(product_of(fast, ws, there.view, 3), product_of(ctx, ws, there.view, 3));
        }
      }
    }
  }
}

// A weight in tiles is the same weight: its rows, products in f32 and large ones have the same bits as in the
// file's layout, and fast products of few rows keep their bound.
TEST(PackedOnDevices, WeightsInTilesAreTheSameWeights) {
  const auto devices = op_driver::other_devices();
  if (devices.empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
  std::vector<Shared> weights;
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{48, 512}, {143, 704}}) {
    weights.push_back(codebook_weight({2, 8, ScaleDType::kFp32, 64, 256}, rows, cols));
    weights.push_back(codebook_weight({3, 8, ScaleDType::kFp32, 64, 256}, rows, cols));
    weights.push_back(codebook_weight({3, 4, ScaleDType::kBf16, 64, 16}, rows, cols));
    weights.push_back(codebook_weight({4, 8, ScaleDType::kFp16, 64, 64}, rows, cols));
    weights.push_back(codebook_weight({8, 8, ScaleDType::kFp32, 64, 256}, rows, cols));
  }
  for (const Device device : devices) {
    op_driver::OnDevice place(device);
    Context& ctx = place.ctx;
    Workspace ws(device, empty_tensor);
    for (const Shared& w : weights) {
      const std::string who = fmt::format("{} {} x {}", w->name, w->view.rows, w->view.cols);
      const PackedOnDevice file = copy_to_device(ctx, w->view);
      PackedOnDevice tiles = copy_to_device(ctx, w->view);
      to_tiles(ctx, tiles);
      ASSERT_EQ(tiles.view.layout, PackedLayout::kTiles) << who;
      std::vector<float> have(w->values.size());
      {
        Scratch scratch(ws);
        const Matrix all = scratch.matrix(w->view.rows, w->view.cols);
        packed_rows(ctx, tiles.view, 0, w->view.rows, all.data);
        copy_values(ctx, all.flat(), have);
      }
      EXPECT_EQ(have, w->values) << who;
      for (const auto precision : {MatmulPrecision::kF32, MatmulPrecision::kBf16}) {
        ctx.matmul_precision = precision;
        EXPECT_EQ(product_of(ctx, ws, tiles.view, 12), product_of(ctx, ws, file.view, 12)) << who;
      }
      EXPECT_EQ(product_of(ctx, ws, tiles.view, 2), product_of(ctx, ws, file.view, 2)) << who;
      expect_fast_products(ctx, ws, *w, tiles.view, 2);
    }
    // Tiles that would take much more memory, and blocks that are no groups, stay as they are.
    for (const Shared& w : {codebook_weight({3, 8, ScaleDType::kFp32, 64, 256}, 3, 64),
                            codebook_weight({3, 8, ScaleDType::kFp32, 32, 256}, 48, 512)}) {
      PackedOnDevice same = copy_to_device(ctx, w->view);
      to_tiles(ctx, same);
      EXPECT_EQ(same.view.layout, PackedLayout::kCodebook);
      EXPECT_EQ(tile_growth(ctx, w->view), 0);
    }
    const Shared whole = codebook_weight({3, 8, ScaleDType::kFp32, 64, 256}, 64, 512);
    EXPECT_EQ(tile_growth(ctx, whole->view), 0);
    EXPECT_GT(tile_growth(ctx, weights.back()->view), 0);
  }
}

}  // namespace
}  // namespace lq
