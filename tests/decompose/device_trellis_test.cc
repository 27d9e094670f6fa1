// Trellis codes that a device chooses, beside the processor's.
#include "decompose/device_trellis.h"

#include <cstring>

#include "device_coding.h"
#include "quant/format.h"

namespace lq {
namespace {

using testing_support::Coded;
using testing_support::coded_there;

using DeviceTrellisDevice = testing_support::DeviceTest;

void expect_same_parts(const PackedMatrix& have, const PackedMatrix& want, const std::string& who) {
  ASSERT_EQ(have.choice(), want.choice());
  for (std::size_t k = 0; k < want.parts().size(); ++k) {
    const auto& a = have.parts()[k].bytes;
    const auto& b = want.parts()[k].bytes;
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size()), 0) << who << ": " << want.parts()[k].suffix;
  }
}

// All parts of the packed matrix: tiles that the matrix cuts, blocks of every width, a block of zeros,
// weights of rows and columns, both ways to fit scales.
TEST_F(DeviceTrellisDevice, TrellisCodesAreTheProcessorsBitForBit) {
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

}  // namespace
}  // namespace lq
