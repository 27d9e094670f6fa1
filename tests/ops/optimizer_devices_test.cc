// AdamW and sums of squares on every device: AdamW to the processor's bits.
#include <gtest/gtest.h>

#include <limits>

#include "backends/cuda/optimizer_element.h"
#include "ops/adamw.h"
#include "ops/op_driver.h"
#include "ops/reduce.h"
#include "reference/numbers.h"

namespace lq {
namespace {

namespace cuda = backends::cuda;
using op_driver::check_op;
using op_driver::Expected;
using op_driver::OpCase;
using reference::normals;

constexpr AdamWRates kRates{0.999F, 0.9F, 0.1F, 0.999F, 0.001F, 0.01F, 1.7F, 1e-8F, 0.5F};

Expected exactly(std::size_t operand, const std::vector<float>& values) {
  return {operand, {values.begin(), values.end()}, std::vector<double>(values.size(), 0.0)};
}

MomentTable table_of(bool is_signed) {
  MomentTable table{};
  for (int i = 0; i < 256; ++i) {
    const float at = is_signed ? static_cast<float>(i - 127) / 128.0F : static_cast<float>(i) / 255.0F;
    table.values[i] = at * std::abs(at);
  }
  for (int i = 0; i < 255; ++i) table.middles[i] = 0.5F * (table.values[i] + table.values[i + 1]);
  table.middles[255] = std::numeric_limits<float>::infinity();
  return table;
}

OpCase adamw_case(std::int64_t n) {
  const auto count = static_cast<std::size_t>(n);
  const auto grad = normals(count, 1);
  auto w = normals(count, 2);
  auto m = normals(count, 3);
  auto v = normals(count, 4);
  for (float& x : v) x *= x;
  const auto w0 = w, m0 = m, v0 = v;
  NoProgress progress;
  ThreadPool pool(1);
  Context host{pool, progress, 0, {}};
  adamw_step(host, kRates, grad, w, m, v);
  return {.name = fmt::format("adamw {}", n),
          .operands = {{"gradient", 1, n, grad}, {"w", 1, n, w0}, {"m", 1, n, m0}, {"v", 1, n, v0}},
          .run =
              [](Context& ctx, Workspace&, const std::vector<Matrix>& a) {
                adamw_step(ctx, kRates, ConstMatrix(a[0]).flat(), a[1].flat(), a[2].flat(), a[3].flat());
              },
          .expected = {exactly(1, w), exactly(2, m), exactly(3, v)},
          .twin =
              [](const std::vector<Matrix>& a) {
                const cuda::AdamWStep step{{kRates, nullptr}, a[0].data, a[1].data, a[2].data, a[3].data};
                for (std::int64_t i = 0; i < a[0].size(); ++i) step(i);
              }};
}

struct Codes {
  std::vector<std::uint8_t> m, v;
  std::vector<float> m_scale, v_scale;
};

Codes some_codes(std::int64_t n) {
  Codes c;
  const Rng rng(9);
  for (std::int64_t i = 0; i < n; ++i) {
    c.m.push_back(static_cast<std::uint8_t>(rng.below(static_cast<std::uint64_t>(2 * i), 256)));
    c.v.push_back(static_cast<std::uint8_t>(rng.below(static_cast<std::uint64_t>(2 * i + 1), 256)));
  }
  const auto blocks = static_cast<std::size_t>((n + kMomentBlock - 1) / kMomentBlock);
  c.m_scale = normals(blocks, 5);
  c.v_scale = normals(blocks, 6);
  for (float& x : c.m_scale) x = std::abs(x);
  for (float& x : c.v_scale) x = std::abs(x);
  return c;
}

// One block as kMomentBlock threads do it.
void step_block_as_threads(Codes& c, std::size_t block, const std::vector<float>& grad, std::vector<float>& w,
                           const MomentTable& with_sign, const MomentTable& without_sign) {
  std::vector<cuda::MomentPair> pairs;
  const std::size_t begin = block * kMomentBlock;
  const std::size_t end = std::min(w.size(), begin + kMomentBlock);
  float m_scale = 0.0F, v_scale = 0.0F;
  for (std::size_t i = begin; i < end; ++i) {
    pairs.push_back(cuda::step_packed(kRates, with_sign, without_sign, c.m[i], c.v[i], c.m_scale[block],
                                      c.v_scale[block], grad[i], w[i]));
    m_scale = std::max(m_scale, std::abs(pairs.back().m));
    v_scale = std::max(v_scale, std::abs(pairs.back().v));
  }
  for (std::size_t i = begin; i < end; ++i) {
    c.m[i] = cuda::moment_code(with_sign, pairs[i - begin].m * cuda::moment_inverse(m_scale));
    c.v[i] = cuda::moment_code(without_sign, pairs[i - begin].v * cuda::moment_inverse(v_scale));
  }
  c.m_scale[block] = m_scale;
  c.v_scale[block] = v_scale;
}

template <typename T>
Tensor tensor_with(Context& ctx, DType dtype, const std::vector<T>& values) {
  return copy_to_device(
      ctx, Tensor::borrow(dtype, {std::ssize(values)}, reinterpret_cast<const std::byte*>(values.data())));
}

template <typename T>
std::vector<T> values_of(Context& ctx, const Tensor& t) {
  const Tensor host = copy_to_host(ctx, t);
  return {host.data<T>(), host.data<T>() + host.numel()};
}

// The step on the context's device.
void step_codes(Context& ctx, Codes& c, const std::vector<float>& grad, std::vector<float>& w) {
  Tensor m = tensor_with(ctx, DType::kU8, c.m), v = tensor_with(ctx, DType::kU8, c.v);
  Tensor m_scale = tensor_with(ctx, DType::kF32, c.m_scale),
         v_scale = tensor_with(ctx, DType::kF32, c.v_scale);
  Tensor gradient = tensor_with(ctx, DType::kF32, grad), weight = tensor_with(ctx, DType::kF32, w);
  adamw_step(ctx, kRates, ConstVector(span_of<float>(gradient)), span_of<float>(weight),
             MomentCodes{span_of<std::uint8_t>(m), span_of<std::uint8_t>(v), span_of<float>(m_scale),
                         span_of<float>(v_scale)},
             table_of(true), table_of(false));
  c = {values_of<std::uint8_t>(ctx, m), values_of<std::uint8_t>(ctx, v), values_of<float>(ctx, m_scale),
       values_of<float>(ctx, v_scale)};
  w = values_of<float>(ctx, weight);
}

TEST(OptimizerDevices, AdamWHasOneResult) {
  for (const std::int64_t n : {1, 15, 16, 17, 4096, 5001}) check_op(adamw_case(n));
}

TEST(OptimizerDevices, EightBitMomentsHaveOneResult) {
  NoProgress progress;
  ThreadPool pool(3);
  for (const std::int64_t n : {1, 255, 256, 257, 4099}) {
    const auto grad = normals(static_cast<std::size_t>(n), 1);
    const auto start = normals(static_cast<std::size_t>(n), 2);
    Codes want = some_codes(n);
    auto w = start;
    Context host{pool, progress, 0, {}};
    step_codes(host, want, grad, w);
    const auto check = [&](const Codes& have, const std::vector<float>& weights) {
      EXPECT_EQ(have.m, want.m) << n;
      EXPECT_EQ(have.v, want.v) << n;
      EXPECT_EQ(have.m_scale, want.m_scale) << n;
      EXPECT_EQ(have.v_scale, want.v_scale) << n;
      EXPECT_EQ(weights, w) << n;
    };
    Codes twin = some_codes(n);
    auto twin_w = start;
    for (std::size_t b = 0; b < twin.m_scale.size(); ++b)
      step_block_as_threads(twin, b, grad, twin_w, table_of(true), table_of(false));
    check(twin, twin_w);
    for (const Device device : op_driver::other_devices()) {
      const auto queue = open_device_queue(device);
      Context ctx{pool, progress, 0, {}};
      ctx.device = device;
      ctx.queue = queue.get();
      Codes have = some_codes(n);
      auto have_w = start;
      step_codes(ctx, have, grad, have_w);
      check(have, have_w);
    }
  }
}

TEST(OptimizerDevices, SquaredNormsOfManyVectors) {
  const std::vector<std::int64_t> lengths = {3, 0, 16384, 16385, 40000};
  std::vector<op_driver::Operand> operands;
  op_driver::Expected sums{lengths.size(), {}, {}};
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto x = normals(static_cast<std::size_t>(lengths[i]), 20 + i);
    double sum = 0.0;
    for (const float v : x) sum += double{v} * v;
    operands.push_back({fmt::format("x{}", i), 1, lengths[i], x});
    sums.values.push_back(sum);
    sums.bounds.push_back(sum * 0x1p-23);  // of the f32 that this test keeps of it
  }
  const auto count = std::ssize(lengths);
  operands.push_back({"sums", 1, count, std::vector<float>(lengths.size(), -1.0F)});
  check_op({.name = "squared_norms",
            .operands = operands,
            .run =
                [count](Context& ctx, Workspace&, const std::vector<Matrix>& m) {
                  std::vector<ConstVector> vectors;
                  for (std::int64_t i = 0; i < count; ++i)
                    vectors.push_back(ConstMatrix(m[static_cast<std::size_t>(i)]).flat());
                  std::vector<double> found(vectors.size());
                  squared_norms(ctx, vectors, found);
                  const std::vector<float> kept(found.begin(), found.end());
                  copy_values(ctx, kept, m.back().flat());
                  for (const ConstVector& x : vectors) ASSERT_TRUE(all_finite(ctx, x));
                },
            .expected = {sums},
            .twin =
                [count](const std::vector<Matrix>& m) {
                  for (std::int64_t i = 0; i < count; ++i) {
                    const Matrix& x = m[static_cast<std::size_t>(i)];
                    std::vector<double> parts;
                    for (std::int64_t begin = 0; begin < x.size(); begin += cuda::kSumBlock) {
                      double part = 0.0;
                      for (int t = 0; t < cuda::kSumThreads; ++t)
                        part += cuda::squares_of_thread(std::min(cuda::kSumBlock, x.size() - begin),
                                                        x.data + begin, t);
                      parts.push_back(part);
                    }
                    double sum = 0.0;
                    for (int t = 0; t < cuda::kSumThreads; ++t)
                      sum += cuda::sums_of_thread(std::ssize(parts), parts.data(), t);
                    m.back().data[i] = static_cast<float>(sum);
                  }
                }});
}

TEST(OptimizerDevices, AThreadKnowsWhatIsFinite) {
  for (const float x : {0.0F, -1.0F, 3e38F, 1e-45F}) EXPECT_TRUE(cuda::is_finite(x));
  for (const float x : {std::nanf(""), INFINITY, -INFINITY}) EXPECT_FALSE(cuda::is_finite(x));
}

}  // namespace
}  // namespace lq
