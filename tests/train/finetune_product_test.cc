#include "train/finetune_product.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/progress.h"
#include "formats/checkpoint_reader.h"
#include "formats/peft_adapter.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

class FinetuneProductTest : public testing::Test {
 protected:
  FinetuneProductTest() {
    reference::write_random_model(pool_, {}, dir_ / "model");
    model_.emplace(Model::load(ctx_, dir_ / "model"));
    options_.lora.rank = 2;
    options_.lora.targets = {"q_proj"};
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 3, {}};
  std::optional<Model> model_;
  FinetuneOptions options_;
};

// PEFT finds a dense base by its path.
TEST_F(FinetuneProductTest, AnAdapterNamesItsBase) {
  options_.train.dropout = 0.25;
  const FinetuneProduct product(ctx_, *model_, options_, "the base's hash", {});
  EXPECT_EQ(product.modules(), model_->spec().layers());
  EXPECT_EQ(std::ssize(model_->trainable()), 2 * model_->spec().layers());
  product.write(dir_ / "adapter");
  const PeftAdapterReader adapter(dir_ / "adapter");
  EXPECT_EQ(adapter.config().base_model, (dir_ / "model").string());
  EXPECT_EQ(adapter.config().dropout, 0.25);
  EXPECT_EQ(std::ssize(adapter.pairs()), model_->spec().layers());
}

TEST_F(FinetuneProductTest, TheFolderOfAFileIsTheBase) {
  Model file = Model::load(ctx_, dir_ / "model" / "model.safetensors");
  FinetuneProduct(ctx_, file, options_, "", {}).write(dir_ / "adapter");
  EXPECT_EQ(PeftAdapterReader(dir_ / "adapter").config().base_model, (dir_ / "model").string());
}

TEST_F(FinetuneProductTest, AllOfAModelIsAModel) {
  options_.lora = {};
  options_.full = true;
  FinetuneProduct product(ctx_, *model_, options_, "", {});
  EXPECT_EQ(product.modules(), std::ssize(model_->parameters()));
  EXPECT_EQ(model_->trainable().size(), model_->parameters().size());
  EXPECT_FALSE(product.compress().has_value()) << "nobody asked for it";
  product.write(dir_ / "full");
  const CheckpointReader written(dir_ / "full");
  for (const Parameter* p : model_->parameters()) EXPECT_NE(written.find(p->name), nullptr) << p->name;
}

TEST_F(FinetuneProductTest, CompressedFactorsAreWhatIsWritten) {
  options_.compress = true;
  FinetuneProduct product(ctx_, *model_, options_, "", {});
  const Lora& lora = *model_->find_linear("model.layers.0.self_attn.q_proj")->lora();
  const std::vector<float> before(lora.a.values().begin(), lora.a.values().end());
  const auto report = product.compress();
  ASSERT_TRUE(report.has_value());
  EXPECT_GT(report->relative_error, 0.0);
  EXPECT_LT(report->relative_error, 0.02);
  const std::vector<float> after(lora.a.values().begin(), lora.a.values().end());
  EXPECT_NE(after, before);
  product.write(dir_ / "adapter");
  const PeftAdapterReader adapter(dir_ / "adapter");
  const LoraPair* const pair = adapter.find("model.layers.0.self_attn.q_proj");
  ASSERT_NE(pair, nullptr);
  const Tensor a = pair->a.copy_f32();
  EXPECT_EQ(std::memcmp(a.raw(), after.data(), a.bytes()), 0);
}

}  // namespace
}  // namespace lq
