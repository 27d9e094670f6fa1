// What changes a job's result stands in its identity, and what changes nothing does not: every option of
// every verb with a job is set to another value, and the identity is looked at.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "calibrate/calibrate_options.h"
#include "export/export_options.h"
#include "jobs/options/quantize_options.h"
#include "jobs/options/sweep_options.h"
#include "support/io_test_util.h"
#include "support/option_test_util.h"
#include "train/finetune_options.h"

namespace lq {
namespace {

using Json = nlohmann::json;

// A verb's options as a user gives them.
class Asked;
void describe(OptionVisitor& v, Asked& asked);

class Asked {
 public:
  virtual ~Asked() = default;
  virtual void describe(OptionVisitor& v) = 0;
  virtual Json identity() = 0;  // of what they are settled to

  void set(const std::string& key, const Json& value) { lq::test::set_option(*this, key, value); }
};

void describe(OptionVisitor& v, Asked& asked) { asked.describe(v); }

// How an option is set to another value than it has.
struct Sample {
  Json value;
  std::vector<std::pair<std::string, Json>> beside = {};  // without which it would mean nothing
};

struct JobVerb {
  std::function<std::unique_ptr<Asked>()> make;
  std::set<std::string> changes_nothing;
  std::map<std::string, Sample> samples;
};

// Another value of a flag, a number or a name, where no sample says one.
class Another final : public OptionVisitor {
 public:
  explicit Another(std::map<std::string, Sample>& samples) : samples_(samples) {}
  void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) override {
    keys.push_back(info.key);
    if (samples_.contains(info.key) || value->list()) return;
    const Json now = value->get();
    switch (value->type()) {
      case OptionType::kFlag:
        samples_[info.key] = {true};
        return;
      case OptionType::kInteger:
        samples_[info.key] = {now.is_null() ? 5 : now.get<std::int64_t>() + 3};
        return;
      case OptionType::kNumber:
        samples_[info.key] = {now == 0.5 ? 0.25 : 0.5};
        return;
      case OptionType::kBytes:
        samples_[info.key] = {"123456789"};
        return;
      case OptionType::kName:
        for (const std::string& name : value->names()) {
          if (name != now) samples_[info.key] = {name};
        }
        return;
      default:
        return;
    }
  }
  std::vector<std::string> keys;

 private:
  std::map<std::string, Sample>& samples_;
};

// What an option says of itself with the values at hand.
OptionInfo info_of(Asked& asked, const std::string& key) { return lq::test::option_infos(asked).at(key); }

void check(const std::string& verb, JobVerb job) {
  Another another(job.samples);
  job.make()->describe(another);
  for (const std::string& key : another.keys) {
    const std::string who = verb + ", option " + key;
    const auto sample = job.samples.find(key);
    ASSERT_NE(sample, job.samples.end()) << who << ": this test has no other value for it: add one";
    const auto before = job.make();
    const auto after = job.make();
    for (const auto& [other, value] : sample->second.beside) {
      before->set(other, value);
      after->set(other, value);
    }
    after->set(key, sample->second.value);
    const Json old_identity = before->identity();
    const Json new_identity = after->identity();
    const OptionInfo info = info_of(*after, key);
    if (job.changes_nothing.contains(key)) {
      EXPECT_FALSE(info.changes_result) << who;
      EXPECT_EQ(old_identity, new_identity) << who << " makes it another job";
      continue;
    }
    EXPECT_TRUE(info.changes_result) << who << ": if it changes nothing, say so in this test";
    if (info.identified_by.empty()) {
      EXPECT_NE(old_identity, new_identity) << who << " is missing in the job's identity";
    } else {
      EXPECT_TRUE(new_identity.contains(Json::json_pointer(info.identified_by)))
          << who << ": " << info.identified_by << " is missing in the job's identity";
    }
  }
}

class JobOptionsTest : public testing::Test {
 protected:
  JobOptionsTest() {
    io_test::put_file(dir_ / "a.txt", "one text");
    io_test::put_file(dir_ / "b.txt", "another text");
  }
  std::string a() const { return (dir_ / "a.txt").string(); }
  std::string b() const { return (dir_ / "b.txt").string(); }

  // What quantize and sweep have in common.
  std::map<std::string, Sample> plan_samples() const {
    const std::pair<std::string, Json> data = {"data", a()};
    return {{"model", {"m"}},
            {"out", {"o"}},
            {"configs", {Json::array({"2,8,fp32,64,256"}), {{"bits", 3}}}},
            {"importance", {"fisher", {data}}},
            {"stats", {b(), {{"stats", a()}}}},
            {"data", {b(), {data}}},
            {"self", {8, {{"self", 4}}}},
            {"field", {"body", {data}}},
            {"samples", {8, {data}}},
            {"seq-len", {64, {data}}},
            {"format", {Json::array({"int"})}},
            {"feedback", {true, {data, {"no-feedback", true}}}},
            {"no-feedback", {true, {data}}},
            {"rank", {"16"}},
            {"include", {Json::array({"*q_proj*"})}},
            {"exclude", {Json::array({"*q_proj*"})}}};
  }

  io_test::TempDir dir_;
};

TEST_F(JobOptionsTest, OfQuantize) {
  struct Quantize final : Asked {
    QuantizeOptions options;
    QuantizeChoices open;
    void describe(OptionVisitor& v) override { lq::describe(v, options, open); }
    Json identity() override {
      settle(options, open);
      return job_identity(options, "hash", 0);
    }
  };
  std::map<std::string, Sample> samples = plan_samples();
  const std::pair<std::string, Json> bits = {"bits", 3};
  samples["method"] = {"loftq"};
  samples["config"] = {"3,8,fp32,64,256"};
  samples["table"] = {b(), {bits, {"table", a()}}};
  samples["allocation"] = {b(), {{"allocation", a()}}};
  samples["min-bits"] = {Json::array({"2.5"}), {bits}};
  samples["max-bits"] = {Json::array({"*q_proj*=4"}), {bits}};
  samples["pin"] = {Json::array({"*q_proj*=3,8,fp32,64,256"}), {bits}};
  samples["cap"] = {Json::array({"*q_proj*=4"}), {bits}};
  samples["layer-cap"] = {4, {bits}};
  samples["embeddings"] = {"q8_0", {{"format", Json::array({"gguf"})}}};
  check("quantize", {[] { return std::make_unique<Quantize>(); }, {"out", "overwrite"}, samples});
  // An option that is identified by the configuration changes it.
  Quantize plain, three, named;
  three.set("nf", "3");
  named.set("config", "3,8,fp32,64,256");
  EXPECT_NE(plain.identity(), three.identity());
  EXPECT_EQ(three.identity(), named.identity()) << "two ways to say the same are the same job";
}

TEST_F(JobOptionsTest, OfSweep) {
  struct Sweep final : Asked {
    SweepJobOptions options = sweep_defaults();
    PlanChoices open;
    void describe(OptionVisitor& v) override { lq::describe(v, options, open); }
    Json identity() override {
      settle(options, open);
      return job_identity(options, "hash", 0);
    }
  };
  std::map<std::string, Sample> samples = plan_samples();
  samples["configs"].beside = {};
  samples["scales"] = {"absmax"};
  // Scales are given, as their default depends on feedback.
  samples["feedback"].beside.emplace_back("scales", "absmax");
  samples["no-feedback"].beside.emplace_back("scales", "absmax");
  check("sweep", {[] { return std::make_unique<Sweep>(); }, {"out", "check"}, samples});
}

TEST_F(JobOptionsTest, OfFinetune) {
  struct Finetune final : Asked {
    FinetuneOptions options = finetune_defaults();
    void describe(OptionVisitor& v) override { lq::describe(v, options); }
    Json identity() override {
      return job_identity(options, {.model = "m", .adapter = "a", .examples = "e", .validation = "v"}, 0);
    }
  };
  check("finetune", {[] { return std::make_unique<Finetune>(); },
                     {"out", "offload-optimizer", "save-every", "keep", "recompute", "resume", "overwrite"},
                     {{"model", {"m"}},
                      {"out", {"o"}},
                      {"data", {Json::array({a()})}},
                      {"val-data", {Json::array({b() + ":2"})}},
                      {"task", {"rte"}},
                      {"reference", {"r"}},
                      {"chat-template", {"vicuna"}},
                      {"fields", {Json::array({"prompt=question"})}},
                      {"recompute", {"always"}},
                      {"matmul-precision", {"f32"}},
                      {"init", {"stacked"}},
                      {"adapter", {"dir"}},
                      {"target", {Json::array({"q_proj"})}},
                      {"train", {Json::array({"norms"})}}}});
}

TEST_F(JobOptionsTest, OfExport) {
  struct Export final : Asked {
    HfExportOptions options;
    void describe(OptionVisitor& v) override { lq::describe(v, options); }
    Json identity() override { return job_identity(options, "hash", nullptr); }
  };
  check("export", {[] { return std::make_unique<Export>(); },
                   {"out", "overwrite"},
                   {{"model", {"m"}}, {"out", {"o"}}, {"adapter", {"dir"}}}});
}

// Its job is what the options lead to, such as the ids of the windows; none is left out.
TEST_F(JobOptionsTest, OfCalibrate) {
  class Sorter final : public OptionVisitor {
   public:
    void option(const OptionInfo& info, std::unique_ptr<OptionValue>) override {
      if (!info.changes_result) {
        nothing.insert(info.key);
      } else {
        EXPECT_FALSE(info.identified_by.empty()) << info.key;
      }
    }
    std::set<std::string> nothing;
  } sorter;
  CalibrateOptions options;
  describe(sorter, options);
  EXPECT_EQ(sorter.nothing, std::set<std::string>{"out"});
}

}  // namespace
}  // namespace lq
