#include "formats/sharded_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "formats/checkpoint_reader.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::TempDir;

const std::vector<TensorSpec> kShardSpecs = {
    {"a", DType::kF32, {2}}, {"b", DType::kU8, {3}}, {"c", DType::kF32, {10}}, {"d", DType::kU8, {8}}};

std::vector<std::vector<std::string>> names(const ShardPlan& plan) {
  std::vector<std::vector<std::string>> out;
  for (const auto& shard : plan.shards) {
    out.emplace_back();
    for (const auto& spec : shard.specs) out.back().push_back(spec.name);
  }
  return out;
}

TEST(ShardedWriter, PlansBySizeInOrder) {
  const ShardPlan one = plan_shards(kShardSpecs, {});
  ASSERT_EQ(one.shards.size(), 1U);
  EXPECT_EQ(one.shards[0].file, "model.safetensors");
  EXPECT_EQ(one.index_file, "");
  EXPECT_EQ(one.total_bytes, 59U);
  // 11 bytes fill the first exactly; the third tensor (40) is larger than a shard and lies alone.
  const ShardPlan three = plan_shards(kShardSpecs, {.max_shard_bytes = 11});
  EXPECT_EQ(names(three), (std::vector<std::vector<std::string>>{{"a", "b"}, {"c"}, {"d"}}));
  EXPECT_EQ(three.shards[1].file, "model-00002-of-00003.safetensors");
  EXPECT_EQ(three.index_file, "model.safetensors.index.json");
  EXPECT_EQ(plan_shards(kShardSpecs, {.max_shard_bytes = 10}).shards.size(), 4U);
  EXPECT_EQ(plan_shards({}, {}).shards.size(), 1U);
}

TEST(ShardedWriter, ShardsAreReadBackWhateverTheOrderOfWriting) {
  const TempDir dir;
  ShardedWriter writer(dir.path(), kShardSpecs, {.max_shard_bytes = 11});
  std::vector<float> c(10);
  std::iota(c.begin(), c.end(), 1.0F);
  writer.append("d", "01234567", 8);
  EXPECT_TRUE(std::filesystem::exists(dir / "model-00003-of-00003.safetensors"));
  writer.write_f32("c", c.data());
  writer.append("b", "xy", 2);
  writer.write("a", Tensor::zeros(DType::kF32, {2}));
  EXPECT_FALSE(std::filesystem::exists(dir / "model-00001-of-00003.safetensors"));
  writer.append("b", "z", 1);
  EXPECT_TRUE(std::filesystem::exists(dir / "model-00001-of-00003.safetensors"));
  expect_error(ErrorCode::kInvalidArgument, {"written already"}, [&] { writer.append("d", "8", 1); });
  expect_error(ErrorCode::kInvalidArgument, {"'e'"}, [&] { writer.append("e", "8", 1); });
  const std::set<std::string> files = {"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                                       "model-00003-of-00003.safetensors", "model.safetensors.index.json"};
  const auto written = writer.finish();
  EXPECT_EQ(std::set<std::string>(written.begin(), written.end()), files);
  EXPECT_EQ(io_test::names_below(dir.path()), files);

  const auto index = nlohmann::json::parse(io_test::get_file(dir / "model.safetensors.index.json"));
  EXPECT_EQ(index["metadata"]["total_size"], 59);
  EXPECT_EQ(index["weight_map"]["c"], "model-00002-of-00003.safetensors");
  const CheckpointReader reader(dir.path());
  EXPECT_EQ(reader.at("c").copy_f32().data<float>()[9], 10.0F);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(reader.at("b").data), 3), "xyz");
  // transformers refuses a shard that does not say which library's tensors it holds.
  for (const auto& file : reader.files()) EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST(ShardedWriter, FinishNamesWhatIsMissing) {
  const TempDir dir;
  ShardedWriter writer(dir.path(), kShardSpecs, {.max_shard_bytes = 11});
  writer.append("d", "01234567", 8);
  expect_error(ErrorCode::kInvalidArgument, {"a: 0 of 8"}, [&] { writer.finish(); });
  EXPECT_FALSE(std::filesystem::exists(dir / "model.safetensors.index.json"));
}

TEST(ShardedWriter, EmptyTensorsNeedNoBytes) {
  const TempDir dir;
  ShardedWriter writer(dir.path(), {{"e", DType::kF32, {0, 3}}});
  writer.write("e", Tensor::empty(DType::kF32, {0, 3}));
  writer.finish();
  EXPECT_EQ(CheckpointReader(dir.path()).at("e").shape(), (Shape{0, 3}));
}

TEST(ShardedWriter, RefusesDuplicateNames) {
  const TempDir dir;
  expect_error(ErrorCode::kInvalidArgument, {"a", "twice"}, [&] {
    ShardedWriter(dir.path(), {{"a", DType::kU8, {9}}, {"a", DType::kU8, {9}}}, {.max_shard_bytes = 10});
  });
}

}  // namespace
}  // namespace lq
