#include "jobs/options/model_source.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "files/options/job_identity.h"
#include "support/option_test_util.h"

namespace lq {
namespace {

using lq::test::option_infos;
using lq::test::set_option;

TEST(ModelSource, AnAdapterIsNamedLeftOutOrScaled) {
  ModelSource o;
  const auto infos = option_infos(o);
  EXPECT_TRUE(infos.at("model").required);
  EXPECT_EQ(infos.at("model").position, "MODEL");
  EXPECT_EQ(infos.at("no-adapter").excludes, std::vector<std::string>{"adapter"});
  EXPECT_EQ(infos.at("lora-scale").excludes, std::vector<std::string>{"no-adapter"});
  EXPECT_EQ(set_option(o, "lora-scale", -0.5), -0.5) << "a part may also be taken away";
}

// Work that was begun before there was a scale goes on: at 1 it is not part of a job's identity.
TEST(ModelSource, AScaleOfOneIsNoPartOfAJob) {
  ModelSource o;
  const auto identity = [&o] {
    return with_identity(nlohmann::json::object(), [&o](OptionVisitor& v) { describe(v, o); });
  };
  EXPECT_FALSE(identity().contains("lora_scale"));
  set_option(o, "lora-scale", 2.0);
  EXPECT_EQ(identity().at("lora_scale"), 2.0);
}

TEST(ModelSource, LoadsWhatModelLoadLoads) {
  ThreadPool pool{1};
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  ModelSource o;
  o.model = "no/such/folder";
  EXPECT_THROW(o.load(ctx), Error);
}

}  // namespace
}  // namespace lq
