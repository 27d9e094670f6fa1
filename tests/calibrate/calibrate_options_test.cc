#include "calibrate/calibrate_options.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

void set_option(CalibrateOptions& o, const std::string& key, const nlohmann::json& value) {
  class Setter final : public OptionVisitor {
   public:
    Setter(const std::string& key, const nlohmann::json& value) : key_(key), value_(value) {}
    void option(const OptionInfo& info, std::unique_ptr<OptionValue> option) override {
      if (info.key != key_) return;
      option->set(value_);
      now = option->get();
    }
    nlohmann::json now;

   private:
    const std::string& key_;
    const nlohmann::json& value_;
  } setter(key, value);
  describe(setter, o);
  EXPECT_EQ(setter.now, value);
}

TEST(CalibrateOptions, OnlySomeStatistics) {
  CalibrateOptions o;
  set_option(o, "only", {"input"});
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
