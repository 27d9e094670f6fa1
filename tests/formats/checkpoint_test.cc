#include "formats/checkpoint.h"

#include <gtest/gtest.h>

#include <atomic>

#include "formats/config_file.h"
#include "formats/safetensors_writer.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

reference::RandomModel small_model(int bits) {
  reference::RandomModel m;
  m.layers = 1;
  m.bits = bits;
  return m;
}

TEST(Checkpoint, OpensDirectoriesAndSingleFilesByOneRule) {
  const TempDir dir;
  ThreadPool pool(1);
  reference::write_random_model(pool, small_model(0), dir / "dense");
  for (const auto& path : {dir / "dense", dir / "dense/model.safetensors"}) {
    const CheckpointPtr model = Checkpoint::open(path);
    EXPECT_EQ(model->path(), path);
    EXPECT_EQ(model->directory(), dir / "dense");
    EXPECT_EQ(model->config().integer("num_hidden_layers"), 1);
    EXPECT_FALSE(model->is_packed());
    EXPECT_NO_THROW(model->require_dense("quantize"));
    EXPECT_EQ(model->base_hash(pool), model->reader().model_hash(pool));
    expect_error(ErrorCode::kMismatch, {path.string(), "dense, but a packed one is expected"},
                 [&] { (void)model->packed(); });
  }
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { Checkpoint::open(dir / "none"); });
}

TEST(Checkpoint, APackedModelSaysWhatAdaptersNameItBy) {
  const TempDir dir;
  ThreadPool pool(1);
  reference::write_random_model(pool, small_model(3), dir / "packed");
  const CheckpointPtr model = Checkpoint::open(dir / "packed");
  EXPECT_TRUE(model->is_packed());
  EXPECT_EQ(model->packed().packed().modules.size(), 7U);
  EXPECT_EQ(&model->packed().reader(), &model->reader());  // the files are mapped once
  EXPECT_EQ(model->base_hash(pool), model->packed().packed().model_hash);
  EXPECT_EQ(model->times_hashed(), 0);
  expect_error(ErrorCode::kInvalidArgument,
               {(dir / "packed").string(), "packed already; quantize the dense model"},
               [&] { model->require_dense("quantize"); });
}

TEST(Checkpoint, IsHashedAtMostOnceAndOutlivesItsFiles) {
  const TempDir dir;
  ThreadPool pool(2);
  reference::write_random_model(pool, small_model(0), dir / "model");
  const std::string want = CheckpointReader(dir / "model").model_hash(pool);
  const CheckpointPtr model = Checkpoint::open(dir / "model");
  const std::atomic<bool> stop{true};
  expect_error(ErrorCode::kInterrupted, {"interrupted"}, [&] { model->hash(pool, StopToken(&stop)); });
  EXPECT_EQ(model->times_hashed(), 0);
  std::filesystem::remove_all(dir / "model");
  EXPECT_EQ(model->hash(pool), want);
  EXPECT_EQ(model->base_hash(pool), want);
  EXPECT_EQ(model->times_hashed(), 1);
}

// Blocks beyond config.json's, as of a pruned model or with a block for speculative decoding.
TEST(Checkpoint, LeavesOutBlocksThatTheModelDoesNotHave) {
  const TempDir dir;
  ThreadPool pool(1);
  reference::RandomModel two = small_model(0);
  two.layers = 2;
  reference::write_random_model(pool, two, dir / "m");
  JsonObject config = load_config(dir / "m");
  config.json()["num_hidden_layers"] = 1;
  config.save(dir / "m/config.json");
  const CheckpointPtr model = Checkpoint::open(dir / "m");
  EXPECT_EQ(model->reader().left_out().size(), 9U);
  EXPECT_EQ(model->reader().find("model.layers.1.mlp.up_proj.weight"), nullptr);
  EXPECT_NE(model->reader().find("model.layers.0.mlp.up_proj.weight"), nullptr);
  config.json()["num_hidden_layers"] = "many";  // whoever needs the number says what is wrong with it
  config.save(dir / "m/config.json");
  EXPECT_TRUE(Checkpoint::open(dir / "m")->reader().left_out().empty());
}

TEST(Checkpoint, WeightsAloneHaveNoConfig) {
  const TempDir dir;
  SafetensorsWriter writer(dir / "w.safetensors", {{"a", DType::kF32, {2}}});
  const std::vector<float> values = {1.0F, 2.0F};
  writer.write_f32("a", values.data());
  writer.finish();
  const CheckpointPtr model = Checkpoint::open(dir / "w.safetensors");
  EXPECT_EQ(model->reader().tensors().size(), 1U);
  expect_error(ErrorCode::kNotFound, {(dir / "config.json").string()}, [&] { (void)model->config(); });
}

TEST(Checkpoint, ForeignAndDamagedConfigsAreRefusedAtOnce) {
  const TempDir dir;
  ThreadPool pool(1);
  reference::write_random_model(pool, small_model(0), dir / "m");
  put_file(dir / "m/config.json", R"({"quantization_config": {"quant_method": "bitsandbytes"}})");
  expect_error(ErrorCode::kUnsupported, {"config.json", "bitsandbytes"},
               [&] { Checkpoint::open(dir / "m"); });
  put_file(dir / "m/config.json", "[]");
  expect_error(ErrorCode::kCorruptFile, {"config.json", "an object was expected"},
               [&] { Checkpoint::open(dir / "m"); });
}

}  // namespace
}  // namespace lq
