// Ops that touch each number once, embeddings and rotary positions, on every device.
#include <gtest/gtest.h>

#include "backends/cuda/elementwise_element.h"
#include "backends/cuda/token_element.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/op_driver.h"
#include "ops/rope.h"
#include "reference/numbers.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;
using op_driver::check_op;
using op_driver::Expected;
using op_driver::kRounding;
using op_driver::OpCase;
using reference::normals;

std::string sizes_text(std::int64_t rows, std::int64_t cols) { return fmt::format(" {} x {}", rows, cols); }

// each(i) for 0 <= i < count, as a grid of threads calls it.
template <typename Each>
void run_each(std::int64_t count, const Each& each) {
  for (std::int64_t i = 0; i < count; ++i) each(i);
}

// What is exact in f32 up to `roundings` of the values.
Expected rounded(std::size_t operand, std::vector<double> values, double roundings) {
  Expected e{operand, std::move(values), {}};
  for (const double v : e.values) e.bounds.push_back(roundings * kRounding * std::abs(v));
  return e;
}

TEST(ElementwiseDevices, FillScaleAndAdd) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    const auto n = static_cast<std::size_t>(rows * cols);
    const auto x = normals(n, 1);
    const auto y = normals(n, 2);
    std::vector<double> scaled, sums;
    Expected added{1, {}, {}};
    for (std::size_t i = 0; i < n; ++i) {
      scaled.push_back(double{x[i]} * -1.25);
      added.values.push_back(double{x[i]} + y[i]);
      added.bounds.push_back(kRounding * std::abs(added.values.back()));
    }
    check_op({.name = "fill" + sizes_text(rows, cols),
              .operands = {{"x", rows, cols, x}},
              .run = [](Context& ctx, Workspace&, const std::vector<Matrix>& m) { fill(ctx, m[0], 2.5F); },
              .expected = {rounded(0, std::vector<double>(n, 2.5), 0)},
              .twin =
                  [](const std::vector<Matrix>& m) {
                    run_each(m[0].size(), cuda::Fill{2.5F, m[0].data});
                  }});
    check_op({.name = "scale" + sizes_text(rows, cols),
              .operands = {{"x", rows, cols, x}},
              .run = [](Context& ctx, Workspace&, const std::vector<Matrix>& m) { scale(ctx, -1.25F, m[0]); },
              .expected = {rounded(0, scaled, 1)},
              .twin =
                  [](const std::vector<Matrix>& m) {
                    run_each(m[0].size(), cuda::Scale{-1.25F, m[0].data});
                  }});
    check_op(
        {.name = "add" + sizes_text(rows, cols),
         .operands = {{"x", rows, cols, x}, {"y", rows, cols, y}},
         .run = [](Context& ctx, Workspace&, const std::vector<Matrix>& m) { add_forward(ctx, m[0], m[1]); },
         .expected = {added},
         .twin =
             [](const std::vector<Matrix>& m) {
               run_each(m[0].size(), cuda::Add{m[0].data, m[1].data});
             }});
  }
}

TEST(ElementwiseDevices, BiasAndColumnSums) {
  for (const auto& [rows, cols] : op_driver::sizes()) {
    const auto n = static_cast<std::size_t>(rows * cols);
    const auto width = static_cast<std::size_t>(cols);
    const auto y = normals(n, 1);
    const auto bias = normals(width, 2);
    Expected biased{1, {}, {}};
    Expected sums{1, {bias.begin(), bias.end()}, std::vector<double>(width)};
    for (std::size_t i = 0; i < n; ++i) {
      biased.values.push_back(double{y[i]} + bias[i % width]);
      biased.bounds.push_back(kRounding * std::abs(biased.values.back()));
      sums.values[i % width] += y[i];
      sums.bounds[i % width] += std::abs(y[i]);
    }
    for (std::size_t j = 0; j < width; ++j)
      sums.bounds[j] = (sums.bounds[j] + std::abs(bias[j])) * kRounding * static_cast<double>(rows + 2);
    check_op({.name = "bias_forward" + sizes_text(rows, cols),
              .operands = {{"bias", 1, cols, bias}, {"y", rows, cols, y}},
              .run = [](Context& ctx, Workspace&,
                        const std::vector<Matrix>& m) { bias_forward(ctx, m[0].flat(), m[1]); },
              .expected = {biased},
              .twin =
                  [](const std::vector<Matrix>& m) {
                    run_each(m[1].size(), cuda::AddBias{m[1].cols, m[0].data, m[1].data});
                  }});
    check_op({.name = "bias_backward" + sizes_text(rows, cols),
              .operands = {{"dy", rows, cols, y}, {"dbias", 1, cols, bias}},
              .run = [](Context& ctx, Workspace&,
                        const std::vector<Matrix>& m) { bias_backward(ctx, m[0], m[1].flat()); },
              .expected = {sums},
              .twin =
                  [](const std::vector<Matrix>& m) {
                    for (std::int64_t col = 0; col < m[0].cols; ++col) {
                      float shares[cuda::kColumnShares];
                      for (int s = 0; s < cuda::kColumnShares; ++s)
                        shares[s] = cuda::column_share(m[0].rows, m[0].cols, m[0].data, col, s);
                      cuda::add_column_shares(shares, 1, col, m[1].data);
                    }
                  }});
  }
}

// Exactly the processor's mask, which tests/ops/reduce_test.cc checks.
TEST(ElementwiseDevices, DropoutHasOneMask) {
  NoProgress progress;
  ThreadPool pool(1);
  Context host{pool, progress, 0, {}};
  for (const auto& [rows, cols] : op_driver::sizes()) {
    const auto n = static_cast<std::size_t>(rows * cols);
    const auto x = normals(n, 1);
    const DropoutMask mask = dropout_mask(0.3F, 0x123456789abcdefULL, 77);
    std::vector<float> want(n);
    dropout_forward(host, mask, {x.data(), rows, cols}, {want.data(), rows, cols});
    check_op({.name = "dropout" + sizes_text(rows, cols),
              .operands = {{"x", rows, cols, x}, {"y", rows, cols, normals(n, 9)}},
              .run = [mask](Context& ctx, Workspace&,
                            const std::vector<Matrix>& m) { dropout_forward(ctx, mask, m[0], m[1]); },
              .expected = {rounded(1, {want.begin(), want.end()}, 0)},
              .twin =
                  [mask](const std::vector<Matrix>& m) {
                    constexpr int kRun = cuda::Dropout::kRun;
                    run_each((m[0].size() + kRun - 1) / kRun,
                             cuda::Dropout{mask, m[0].size(), m[0].data, m[1].data});
                  }});
  }
}

TEST(ElementwiseDevices, EmbeddingRowsAndTheirGradients) {
  for (const auto& [tokens, dim] : op_driver::sizes()) {
    constexpr std::int64_t kVocab = 5;
    const auto table = normals(static_cast<std::size_t>(kVocab * dim), 1);
    std::vector<std::int32_t> ids;
    for (std::int64_t t = 0; t < tokens; ++t) ids.push_back(static_cast<std::int32_t>(t * 3 % kVocab));
    Expected x{1, {}, {}};
    const auto dx = normals(static_cast<std::size_t>(tokens * dim), 2);
    Expected dtable{1, {table.begin(), table.end()}, std::vector<double>(table.size())};
    for (std::size_t i = 0; i < dtable.bounds.size(); ++i) dtable.bounds[i] = std::abs(table[i]);
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t c = 0; c < dim; ++c) {
        const auto at = static_cast<std::size_t>(ids[static_cast<std::size_t>(t)] * dim + c);
        x.values.push_back(table[at]);
        dtable.values[at] += dx[static_cast<std::size_t>(t * dim + c)];
        dtable.bounds[at] += std::abs(dx[static_cast<std::size_t>(t * dim + c)]);
      }
    }
    x.bounds.assign(x.values.size(), 0.0);
    for (double& b : dtable.bounds) b *= kRounding * static_cast<double>(tokens + 1);
    check_op({.name = "embedding_forward" + sizes_text(tokens, dim),
              .operands = {{"table", kVocab, dim, table},
                           {"x", tokens, dim, normals(static_cast<std::size_t>(tokens * dim), 9)}},
              .run =
                  [ids](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                    Tensor copy = empty_tensor(ctx.device, DType::kF32, {m[0].rows, m[0].cols});
                    copy_values(ctx, m[0].flat(), matrix_of(copy).flat());
                    embedding_forward(ctx, copy, ids, m[1]);
                  },
              .expected = {x},
              .twin =
                  [ids](const std::vector<Matrix>& m) {
                    run_each(m[1].size(),
                             cuda::EmbeddingForward{
                                 {m[0].data, backends::DenseType::kF32}, m[1].cols, ids.data(), m[1].data});
                  }});
    check_op({.name = "embedding_backward" + sizes_text(tokens, dim),
              .operands = {{"dx", tokens, dim, dx}, {"dtable", kVocab, dim, table}},
              .run = [ids](Context& ctx, Workspace&,
                           const std::vector<Matrix>& m) { embedding_backward(ctx, ids, m[0], m[1]); },
              .expected = {dtable},
              .twin =
                  [ids](const std::vector<Matrix>& m) {
                    run_each(m[0].cols,
                             cuda::EmbeddingBackward{m[0].rows, m[0].cols, ids.data(), m[0].data, m[1].data});
                  }});
  }
}

TEST(ElementwiseDevices, RopeTurnsAndTurnsBack) {
  for (const bool inverse : {false, true}) {
    for (const std::int64_t half : {1, 5, 16}) {
      constexpr std::int64_t kHeads = 3;
      const std::vector<std::int32_t> positions = {0, 1, 2, 700, 3};
      const auto tokens = std::ssize(positions);
      std::vector<float> inv_freq;
      for (std::int64_t i = 0; i < half; ++i) inv_freq.push_back(1.0F / static_cast<float>(1 + i * i));
      const std::int64_t cols = kHeads * 2 * half;
      const auto x = normals(static_cast<std::size_t>(tokens * cols), 1);
      NoProgress progress;
      ThreadPool pool(1);
      Context host{pool, progress, 0, {}};
      const RopeTable table = make_rope_table(host, positions, inv_freq, 1.5F);
      Expected y{0, std::vector<double>(x.size()), std::vector<double>(x.size())};
      for (std::int64_t t = 0; t < tokens; ++t) {
        for (std::int64_t h = 0; h < kHeads; ++h) {
          for (std::int64_t p = 0; p < half; ++p) {
            const auto a = static_cast<std::size_t>(t * cols + h * 2 * half + p);
            const auto b = a + static_cast<std::size_t>(half);
            const auto angle = static_cast<std::size_t>(t * half + p);
            const double c = table.cos[angle];
            const double s = inverse ? -double{table.sin[angle]} : double{table.sin[angle]};
            y.values[a] = x[a] * c - x[b] * s;
            y.values[b] = x[b] * c + x[a] * s;
            y.bounds[a] = 2 * kRounding * (std::abs(x[a] * c) + std::abs(x[b] * s));
            y.bounds[b] = 2 * kRounding * (std::abs(x[b] * c) + std::abs(x[a] * s));
          }
        }
      }
      check_op(
          {.name = fmt::format("rope half {} {}", half, inverse ? "back" : "forth"),
           .operands = {{"x", tokens, cols, x}},
           .run =
               [=](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                 const RopeTable here = make_rope_table(ctx, positions, inv_freq, 1.5F);
                 inverse ? rope_backward(ctx, here, kHeads, m[0]) : rope_forward(ctx, here, kHeads, m[0]);
               },
           .expected = {y},
           .twin =
               [=](const std::vector<Matrix>& m) {
                 run_each(tokens * kHeads * half, cuda::RopeRotate{half, 2 * half, kHeads, table.cos.data(),
                                                                   table.sin.data(), inverse, m[0].data});
               }});
    }
  }
}

}  // namespace
}  // namespace lq
