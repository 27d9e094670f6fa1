// A config.json that does not fit its tensors is refused before any work, and named.
#include <gtest/gtest.h>

#include "base/error.h"
#include "files/json_file.h"
#include "jobs/quantize_model.h"
#include "jobs/sweep_job.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

class CheckBeforeWork : public testing::Test {
 protected:
  CheckBeforeWork() { write_tiny_model(dir_ / "model"); }

  void change(const std::string& key, const nlohmann::ordered_json& value) {
    const auto path = dir_ / "model" / "config.json";
    auto config = read_ordered_json(path);
    config[key] = value;
    write_json(path, config);
  }

  void quantize() {
    QuantizeOptions o;
    o.model = dir_ / "model";
    o.out = dir_ / "out";
    o.choice = FormatSet().uniform(3);
    o.decompose.rank = 2;
    quantize_model(context_, o);
  }
  void sweep() {
    SweepJobOptions o;
    o.model = dir_ / "model";
    o.out = dir_ / "table.json";
    o.plan.decompose.rank = 2;
    o.plan.budget.configs = {FormatSet().uniform(2), FormatSet().uniform(4)};
    sweep_job(context_, o);
  }

  void expect_refused(ErrorCode code, const std::vector<std::string>& parts) {
    for (const auto& work : std::initializer_list<void (CheckBeforeWork::*)()>{&CheckBeforeWork::quantize,
                                                                               &CheckBeforeWork::sweep}) {
      try {
        (this->*work)();
        ADD_FAILURE() << "accepted";
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), code) << e.what();
        for (const auto& part : parts)
          EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
      }
      EXPECT_FALSE(std::filesystem::exists(dir_ / "out"));
      EXPECT_FALSE(std::filesystem::exists(dir_ / "table.json.work"));
    }
  }

  io_test::TempDir dir_;
  ThreadPool pool_{1};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
};

TEST_F(CheckBeforeWork, ASizeThatIsText) {
  change("hidden_size", "many");
  expect_refused(ErrorCode::kCorruptFile, {"config.json", "hidden_size"});
}

TEST_F(CheckBeforeWork, MoreLayersThanTheFileHas) {
  change("num_hidden_layers", 101);
  expect_refused(ErrorCode::kMismatch, {"2 layers", "num_hidden_layers 101"});
}

TEST_F(CheckBeforeWork, HeadsThatDoNotFitTheTensors) {
  change("num_key_value_heads", 4);
  expect_refused(ErrorCode::kMismatch, {"model.layers.0.self_attn.k_proj.weight", "[16, 32]", "[32, 32]"});
}

// Nothing is known of its config.json: any checkpoint whose blocks are numbered can be quantized.
TEST_F(CheckBeforeWork, AnUnknownArchitecturePasses) {
  change("architectures", {"SomethingNew"});
  change("hidden_size", "many");
  quantize();
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out" / "model.safetensors"));
}

}  // namespace
}  // namespace lq
