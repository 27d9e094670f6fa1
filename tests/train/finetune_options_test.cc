#include "train/finetune_options.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "files/options/job_identity.h"
#include "support/option_test_util.h"

namespace lq {
namespace {

using Json = nlohmann::json;

const FinetuneSources kNoSources = {};

Json today(FinetuneOptions o, const Json& old) {
  return identity_today(old, [&o](OptionVisitor& v) { describe(v, o); });
}

TEST(FinetuneOptions, JobsOfOlderVersionsAreKnown) {
  FinetuneOptions o = finetune_defaults();
  o.lora.start = LoraStart::kStacked;
  const Json now = job_identity(o, kNoSources, 0);
  EXPECT_EQ(now["batching"], "packed");
  EXPECT_EQ(now["init"], "stacked");
  Json old = now;
  old["batching"] = static_cast<int>(Batching::kPacked);
  old["init"] = "beside";
  EXPECT_EQ(today(o, old), now);
}

TEST(FinetuneOptions, FieldsAreThoseOfRecords) {
  FinetuneOptions o = finetune_defaults();
  test::set_option(o, "fields", Json::array({"prompt=question", "completion=answer"}));
  EXPECT_EQ(o.data.examples.format.fields.at("prompt"), "question");
  const std::pair<const char*, const char*> cases[] = {{"promt=question", "'promt' is no field of records"},
                                                       {"question", "FIELD=NAME"},
                                                       {"=question", "FIELD=NAME"}};
  for (const auto& [pair, part] : cases) {
    try {
      test::set_option(o, "fields", Json::array({pair}));
      ADD_FAILURE() << pair;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }
  EXPECT_THROW(test::set_option(o, "fields", Json::array({"prompt=q", "completion=q"})), Error);
}

// Of what came later, older jobs say nothing where it is as it was.
TEST(FinetuneOptions, WhatIsAsBeforeIsNotSaid) {
  FinetuneOptions o = finetune_defaults();
  o.train.precision = MatmulPrecision::kF32;
  const Json job = job_identity(o, kNoSources, 0);
  for (const char* key : {"matmul_precision", "full", "init"}) EXPECT_FALSE(job.contains(key)) << key;
  o.full = true;
  o.train.precision = MatmulPrecision::kI16;
  EXPECT_EQ(job_identity(o, kNoSources, 0)["full"], true);
  EXPECT_EQ(job_identity(o, kNoSources, 0)["matmul_precision"], "int16");
}

}  // namespace
}  // namespace lq
