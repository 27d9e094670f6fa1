// Codes that a device chooses one after another, passing errors on, beside the processor's.
#include "decompose/device_feedback.h"

#include <cstring>

#include "device_coding.h"
#include "quant/format_set.h"

namespace lq {
namespace {

using reference::Dense;
using testing_support::Coded;
using testing_support::coded_there;

using DeviceFeedbackDevice = testing_support::DeviceTest;

// The packed matrix is the one whose values were given, and errs as the processor's in the norm that feedback
// is for. Mostly they are the same; but one code that a sum's rounding flips moves all after it, and with so
// few weights the error may end 2 % lower or higher, more where there are three tiles. Without feedback it is
// 1.4 to 10 times as large.
TEST_F(DeviceFeedbackDevice, FeedbackErrsAsTheProcessors) {
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
