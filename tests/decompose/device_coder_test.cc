// Codes that a device chooses one after another, beside the processor's.
#include "decompose/device_coder.h"

#include <cstring>

#include "backends/cuda/device.h"
#include "device_fixture.h"
#include "quant/format_set.h"

namespace lq {
namespace {

using DeviceCoderDevice = testing_support::DeviceTest;
using reference::Dense;

struct Coded {
  PackedMatrix packed;
  std::vector<float> values;
};

// Through a coder on the device, in place of the target.
Coded coded_there(Context& there, const std::vector<float>& w, std::int64_t m, std::int64_t n,
                  const Quantizer& quantizer, const Importance& importance) {
  const auto moved = [&](const float* values, std::int64_t count) {
    return copy_to_device(there,
                          Tensor::borrow(DType::kF32, {count}, reinterpret_cast<const std::byte*>(values)));
  };
  Tensor target = moved(w.data(), m * n);
  Tensor room = moved(w.data(), m * n);
  Tensor rows, cols;
  DeviceImportance sides;
  const ErrorWeights weights = importance.error_weights();
  if (weights.rows != nullptr) sides.rows = (rows = moved(weights.rows, m)).data<float>();
  if (weights.cols != nullptr) sides.cols = (cols = moved(weights.cols, n)).data<float>();
  std::optional<DeviceFactor> left, right;
  if (importance.left() != nullptr) sides.left = &left.emplace(there, *importance.left());
  if (importance.right() != nullptr) sides.right = &right.emplace(there, *importance.right());
  const auto coder = make_device_coder(there, m, n, quantizer, importance, sides);
  coder->round(target.data<float>(), room.mutable_data<float>(), target.mutable_data<float>());
  const Tensor host = copy_to_host(there, target);
  return {coder->packed(), {host.data<float>(), host.data<float>() + m * n}};
}

void expect_same_parts(const PackedMatrix& have, const PackedMatrix& want, const std::string& who) {
  ASSERT_EQ(have.choice(), want.choice());
  for (std::size_t k = 0; k < want.parts().size(); ++k) {
    const auto& a = have.parts()[k].bytes;
    const auto& b = want.parts()[k].bytes;
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size()), 0) << who << ": " << want.parts()[k].suffix;
  }
}

TEST_F(DeviceCoderDevice, KnowsItsQuantizers) {
  const auto of = [](const QuantChoice& choice, Feedback feedback) {
    return has_device_coder(*make_quantizer(choice, {.scales = ScaleMode::kAbsMax, .feedback = feedback}));
  };
  EXPECT_TRUE(of({"tcq", "2,12,64"}, Feedback::kOff));
  EXPECT_TRUE(of({"tcq", "2,12,64"}, Feedback::kOn));
  EXPECT_TRUE(of(FormatSet().uniform(3), Feedback::kOn));
  EXPECT_FALSE(of(FormatSet().uniform(3), Feedback::kOff));
  EXPECT_FALSE(of(FormatSet().uniform(3), Feedback::kGptq));
  EXPECT_FALSE(of({"int-row", "4"}, Feedback::kOff));
}

// All parts of the packed matrix: tiles that the matrix cuts, blocks of every width, a block of zeros,
// weights of rows and columns, both ways to fit scales.
TEST_F(DeviceCoderDevice, TrellisCodesAreTheProcessorsBitForBit) {
  struct Case {
    std::int64_t m, n;
    const char* parameters;
  };
  for (const Case& c : {Case{1, 1, "2,12,64"},
                        {17, 70, "2,12,32"},
                        {33, 300, "3,10,256"},
                        {20, 130, "4,11,128"},
                        {16, 40, "2,16,64"}}) {
    std::vector<float> w = reference::normal_matrix(c.m, c.n, 31);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = i / 32 % 5 == 3 ? 0.0F : w[i];
    w.back() *= 20.0F;
    for (const ScaleMode scales : {ScaleMode::kAbsMax, ScaleMode::kSearch}) {
      for (const bool weighted : {false, true}) {
        const auto quantizer = make_quantizer({"tcq", c.parameters}, {.scales = scales});
        const Importance importance = weighted ? testing_support::uneven_weighting(c.m, c.n) : Importance();
        const Coded have = coded_there(there_, w, c.m, c.n, *quantizer, importance);
        const PackedMatrix want = quantizer->pack(run_.pool, w.data(), c.m, c.n, importance.error_weights());
        const std::string who = quantizer->name() + (weighted ? " weighted" : "");
        expect_same_parts(have.packed, want, who);
        std::vector<float> values(w.size());
        want.dequantize(run_.pool, values.data());
        EXPECT_EQ(std::memcmp(values.data(), have.values.data(), values.size() * sizeof(float)), 0) << who;
      }
    }
  }
}

// The packed matrix is the one whose values were given, and errs as the processor's in the norm that feedback
// is for. Mostly they are the same; but one code that a sum's rounding flips moves all after it, and with so
// few weights the error may end 2 % lower or higher, more where there are three tiles. Without feedback it is
// 1.4 to 10 times as large.
TEST_F(DeviceCoderDevice, FeedbackErrsAsTheProcessors) {
  struct Case {
    QuantChoice choice;
    ScaleMode scales;
  };
  const FormatSet nf;
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{50, 290}, {7, 33}}) {
    const std::vector<float> w = reference::weight_like_matrix(m, n, 4, 33);
    for (const bool both : {false, true}) {
      const auto factor = [](std::int64_t size) { return testing_support::correlated_factor(size, 5); };
      const Importance importance = Importance::kronecker(both ? factor(m) : nullptr, factor(n));
      for (const Case& c :
           {Case{nf.uniform(2), ScaleMode::kSearch}, Case{nf.uniform(3), ScaleMode::kAbsMax},
            Case{{"tcq", "2,12,64"}, ScaleMode::kAbsMax}, Case{{"tcq", "3,10,32"}, ScaleMode::kSearch},
            Case{{"tcq", "4,10,256"}, ScaleMode::kAbsMax}}) {
        const auto quantizer = make_quantizer(c.choice, {.scales = c.scales, .feedback = Feedback::kOn});
        const Coded have = coded_there(there_, w, m, n, *quantizer, importance);
        std::vector<float> values(w.size());
        have.packed.dequantize(run_.pool, values.data());
        const std::string who = quantizer->name() + (both ? " kfac " : " input ") + std::to_string(m);
        ASSERT_EQ(std::memcmp(values.data(), have.values.data(), values.size() * sizeof(float)), 0) << who;
        const auto error_of = [&](const PackedMatrix& q) {
          q.dequantize(run_.pool, values.data());
          return reference::norm(testing_support::weigh(
              reference::difference(Dense(m, n, w.data()), Dense(m, n, values.data())), importance));
        };
        const PackedMatrix processors =
            quantizer->pack(run_.pool, w.data(), m, n, importance.error_weights());
        const double want = error_of(processors);
        EXPECT_NEAR(error_of(have.packed), want, (m < 50 ? 0.1 : 0.03) * want) << who;
      }
    }
  }
}

}  // namespace
}  // namespace lq
