#include "calibrate/calibrate_options.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/option_test_util.h"

namespace lq {
namespace {

using lq::test::set_option;

TEST(CalibrateOptions, OnlySomeStatistics) {
  CalibrateOptions o;
  EXPECT_EQ(set_option(o, "only", {"input"}), nlohmann::json({"input"}));
  EXPECT_FALSE(o.fisher);
  EXPECT_TRUE(o.input_moment);
  EXPECT_FALSE(o.output_grad_moment);
  set_option(o, "only", {"fisher", "grad"});
  EXPECT_TRUE(o.fisher);
  EXPECT_FALSE(o.input_moment);
  EXPECT_TRUE(o.output_grad_moment);
  EXPECT_THROW(set_option(o, "only", {"hessian"}), Error);
  EXPECT_TRUE(o.fisher) << "what is refused changes nothing";
}

TEST(CalibrateOptions, Ranges) {
  CalibrateOptions o;
  EXPECT_THROW(set_option(o, "hold-out", 0.95), Error);
  EXPECT_THROW(set_option(o, "seq-len", 1), Error);
  EXPECT_THROW(set_option(o, "samples", 0), Error);
  set_option(o, "data", {"a.txt", "b.txt"});
  EXPECT_EQ(o.data.size(), 2U);
}

}  // namespace
}  // namespace lq
