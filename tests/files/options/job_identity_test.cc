#include "files/options/job_identity.h"

#include <gtest/gtest.h>

#include "files/options/option_values.h"

namespace lq {
namespace {

using Json = nlohmann::json;

enum class Order : std::uint8_t { kPlain, kShuffled };
constexpr EnumName<Order> kOrderNames[] = {
    {Order::kPlain, "plain"}, {Order::kShuffled, "shuffled"}, {Order::kShuffled, "random"}};

struct Options {
  std::int64_t batch_size = 4;
  double beta1 = 0.9, beta2 = 0.99;
  Order order = Order::kShuffled;
  std::int64_t keep = 2;
};

void describe(OptionVisitor& v, Options& o) {
  v.option({.key = "batch-size", .help = "Rows"}, integer(o.batch_size, 1));
  v.option({.key = "beta1", .help = "First", .identity = "/betas/0"}, number(o.beta1));
  v.option({.key = "beta2", .help = "Second", .identity = "/betas/1"}, number(o.beta2));
  v.option({.key = "order", .help = "Order", .identity = "/plan/order"}, name(o.order, kOrderNames));
  v.option({.key = "keep", .help = "Checkpoints", .changes_result = false}, integer(o.keep, 1));
}

Describe described(Options& o) {
  return [&o](OptionVisitor& v) { describe(v, o); };
}

TEST(JobIdentity, HoldsWhatChangesTheResult) {
  Options o;
  const Json job = with_identity({{"verb", "toy"}, {"plan", {{"bits", 1.0}}}}, described(o));
  EXPECT_EQ(job, Json({{"verb", "toy"},
                       {"batch_size", 4},
                       {"betas", {0.9, 0.99}},
                       {"plan", {{"bits", 1.0}, {"order", "shuffled"}}}}));
  o.keep = 9;
  EXPECT_EQ(with_identity({{"verb", "toy"}, {"plan", {{"bits", 1.0}}}}, described(o)), job);
  o.batch_size = 5;
  EXPECT_NE(with_identity({{"verb", "toy"}, {"plan", {{"bits", 1.0}}}}, described(o)), job);
}

// What an option leads to stands for its value: the job has it, whatever the option says.
TEST(JobIdentity, HashesStandForWhatTheyAreOf) {
  std::string path = "a";
  const Describe describe = [&path](OptionVisitor& v) {
    v.option({.key = "model", .help = "Model", .identified_by = "/model_hash"}, text(path));
  };
  const Json job = {{"model_hash", "1234"}};
  EXPECT_EQ(with_identity(job, describe), job);
  path = "b";
  EXPECT_EQ(with_identity(job, describe), job);
  EXPECT_EQ(identity_today(job, describe), job);
}

TEST(JobIdentity, Places) {
  EXPECT_EQ(identity_place({.key = "batch-size", .help = ""}), "/batch_size");
  EXPECT_EQ(identity_place({.key = "beta1", .help = "", .identity = "/betas/0"}), "/betas/0");
  EXPECT_EQ(identity_place({.key = "model", .help = "", .identified_by = "/model_hash"}), "/model_hash");
}

TEST(JobIdentity, ReadsWhatOlderVersionsWrote) {
  Options o;
  const Json job = with_identity({{"verb", "toy"}}, described(o));
  Json old = job;
  old["plan"]["order"] = 1;
  EXPECT_EQ(identity_today(old, described(o)), job);
  old["plan"]["order"] = "random";
  EXPECT_EQ(identity_today(old, described(o)), job);
  old["plan"]["order"] = 0;
  EXPECT_NE(identity_today(old, described(o)), job);
  EXPECT_EQ(identity_today(job, described(o)), job);
  EXPECT_EQ(identity_today(Json("no job"), described(o)), Json("no job"));
  EXPECT_EQ(identity_today({{"plan", "text"}, {"betas", 3}}, described(o)),
            Json({{"plan", "text"}, {"betas", 3}}));
}

}  // namespace
}  // namespace lq
