// A linear layer with a bias, a low-rank part and a fixed one against sums in double, forward and backward.
#include "nn/linear.h"

#include <gtest/gtest.h>

#include <tuple>

#include "backends/cpu/byte_matrix.h"
#include "base/progress.h"
#include "nn/dense_weight.h"
#include "nn/packed_weight.h"
#include "quant/codebook/codebook_quantizer.h"
#include "reference/numbers.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using reference::normals;
using reference::relative_difference;
using Numbers = std::vector<double>;

constexpr std::int64_t kIn = 11, kOut = 6;

Tensor tensor_of(const Shape& shape, std::uint64_t stream) {
  Tensor t = Tensor::empty(DType::kF32, shape);
  const auto values = normals(static_cast<std::size_t>(t.numel()), stream);
  std::copy(values.begin(), values.end(), t.mutable_data<float>());
  return t;
}

std::unique_ptr<Lora> lora_of(std::int64_t rank, float scaling, std::uint64_t stream) {
  auto lora = std::make_unique<Lora>();
  lora->a.value = tensor_of({rank, kIn}, stream);
  lora->b.value = tensor_of({kOut, rank}, stream + 1);
  lora->scaling = scaling;
  return lora;
}

double at(const Tensor& t, std::int64_t i, std::int64_t j) { return t.data<float>()[i * t.dim(1) + j]; }

// W + the parts' products, in double.
Numbers whole_weight(const Parameter& w, std::initializer_list<const Lora*> parts) {
  Numbers m(kOut * kIn);
  for (std::int64_t i = 0; i < kOut; ++i) {
    for (std::int64_t k = 0; k < kIn; ++k) {
      double& value = m[static_cast<std::size_t>(i * kIn + k)];
      value = at(w.value, i, k);
      for (const Lora* part : parts) {
        for (std::int64_t r = 0; r < part->rank(); ++r)
          value += part->scaling * at(part->b.value, i, r) * at(part->a.value, r, k);
      }
    }
  }
  return m;
}

TEST(Linear, EqualsTheSumOfItsPartsInDouble) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Workspace ws;
  // Both sides of the kernel for few rows; the last in 16-bit integers.
  for (const auto& [n, precision, most] : {std::tuple{1, MatmulPrecision::kF32, 1e-5},
                                           {4, MatmulPrecision::kF32, 1e-5},
                                           {5, MatmulPrecision::kF32, 1e-5},
                                           {33, MatmulPrecision::kF32, 1e-5},
                                           {33, MatmulPrecision::kI16, 1e-3}}) {
    ctx.matmul_precision = precision;
    Parameter w, bias;
    w.value = tensor_of({kOut, kIn}, 1);
    bias.value = tensor_of({kOut}, 2);
    bias.make_trainable();
    Linear linear("l", std::make_unique<DenseWeight>(w), &bias);
    linear.set_lora(lora_of(3, 0.5F, 10));
    linear.freeze_lora();
    EXPECT_EQ(linear.lora(), nullptr);
    linear.set_lora(lora_of(2, 2.0F, 20));
    Lora& lora = *linear.lora();
    lora.a.make_trainable();
    lora.b.make_trainable();

    const auto x = normals(static_cast<std::size_t>(n * kIn), 3),
               dy = normals(static_cast<std::size_t>(n * kOut), 4);
    std::vector<float> y(dy.size()), dx(x.size(), 1.0F);
    linear.forward(ctx, ws, {x.data(), n, kIn}, {y.data(), n, kOut});
    linear.backward(ctx, ws, {x.data(), n, kIn}, {dy.data(), n, kOut}, {dx.data(), n, kIn}, true);

    const Numbers m = whole_weight(w, {linear.fixed_lora(), linear.lora()});
    Numbers want_y(y.size()), want_dx(x.size(), 1.0), dw(m.size()), dbias(kOut);
    for (std::int64_t t = 0; t < n; ++t) {
      for (std::int64_t i = 0; i < kOut; ++i) {
        const double g = dy[static_cast<std::size_t>(t * kOut + i)];
        double& sum = want_y[static_cast<std::size_t>(t * kOut + i)];
        sum = bias.value.data<float>()[i];
        dbias[static_cast<std::size_t>(i)] += g;
        for (std::int64_t k = 0; k < kIn; ++k) {
          const double in = x[static_cast<std::size_t>(t * kIn + k)];
          sum += m[static_cast<std::size_t>(i * kIn + k)] * in;
          want_dx[static_cast<std::size_t>(t * kIn + k)] += m[static_cast<std::size_t>(i * kIn + k)] * g;
          dw[static_cast<std::size_t>(i * kIn + k)] += g * in;
        }
      }
    }
    // d(s B A) = s (dB A + B dA).
    Numbers da(2 * kIn), db(kOut * 2);
    for (std::int64_t i = 0; i < kOut; ++i) {
      for (std::int64_t k = 0; k < kIn; ++k) {
        for (std::int64_t r = 0; r < 2; ++r) {
          const double g = 2.0 * dw[static_cast<std::size_t>(i * kIn + k)];
          da[static_cast<std::size_t>(r * kIn + k)] += g * at(lora.b.value, i, r);
          db[static_cast<std::size_t>(i * 2 + r)] += g * at(lora.a.value, r, k);
        }
      }
    }
    for (const double difference :
         {relative_difference(y, want_y), relative_difference(dx, want_dx),
          relative_difference(lora.a.grads(), da), relative_difference(lora.b.grads(), db)}) {
      EXPECT_LT(difference, most) << n;
      // Each of the four is rounded where integers are asked for, and only there.
      EXPECT_EQ(difference > 1e-5, precision == MatmulPrecision::kI16) << n;
    }
    EXPECT_LT(relative_difference(bias.grads(), dbias), 1e-5) << n;
    EXPECT_FALSE(linear.fixed_lora()->a.trainable() || linear.fixed_lora()->b.trainable());
  }
}

// Factors are rounded for a single vector that decodes fast, beside a packed weight only.
TEST(Linear, RoundsFactorsWhereItsWeightIsReadCoarsely) {
  constexpr std::int64_t kWide = 128, kHigh = 192, kRank = 64;
  ThreadPool pool(2);
  NoProgress progress;
  Workspace ws;
  const auto w = normals(static_cast<std::size_t>(kWide * kHigh), 1, 0.02F);
  Parameter dense{"m.weight", Tensor::empty(DType::kF32, {kHigh, kWide}), {}};
  std::copy(w.begin(), w.end(), dense.value.mutable_data<float>());
  for (const bool packed : {false, true}) {
    std::unique_ptr<Weight> weight;
    if (packed) {
      weight = std::make_unique<PackedWeight>(
          CodebookQuantizer(uniform_codebook_config(4)).pack(pool, w.data(), kHigh, kWide));
    } else {
      weight = std::make_unique<DenseWeight>(dense);
    }
    Linear linear("m", std::move(weight));
    auto lora = std::make_unique<Lora>();
    lora->a.value = tensor_of({kRank, kWide}, 2);
    lora->b.value = tensor_of({kHigh, kRank}, 3);
    linear.set_lora(std::move(lora));
    const auto product = [&](DecodePrecision precision, std::int64_t count) {
      Context ctx{pool, progress, 0, {}, precision};
      const auto x = normals(static_cast<std::size_t>(count * kWide), 4);
      std::vector<float> y(static_cast<std::size_t>(count * kHigh));
      linear.forward(ctx, ws, {x.data(), count, kWide}, {y.data(), count, kHigh});
      return y;
    };
    const auto fine = product(DecodePrecision::kFine, 1);
    const double off = relative_difference(product(DecodePrecision::kFast, 1), fine);
    if (packed && backends::byte_gemv_has(kWide)) {
      EXPECT_GT(off, 1e-4);
      EXPECT_LT(off, 0.02);
    } else {
      EXPECT_EQ(off, 0.0);
    }
    EXPECT_EQ(product(DecodePrecision::kFast, 3), product(DecodePrecision::kFine, 3));
    // While they learn, they are taken as they are.
    for (Parameter* p : {&linear.lora()->a, &linear.lora()->b}) p->make_trainable();
    const double learning = relative_difference(product(DecodePrecision::kFast, 1), fine);
    EXPECT_LT(learning, 1e-3);
  }
}

TEST(Linear, FactorsOfAnotherShapeAreRefused) {
  Parameter w;
  w.value = tensor_of({kOut, kIn + 1}, 1);
  Linear linear("model.q_proj", std::make_unique<DenseWeight>(w));
  io_test::expect_error(ErrorCode::kMismatch, {"model.q_proj", "[3, 11]", "[6, 12]"},
                        [&] { linear.set_lora(lora_of(3, 1.0F, 1)); });
}

}  // namespace
}  // namespace lq
