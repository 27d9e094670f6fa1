#include "formats/checkpoint_reader.h"

#include <gtest/gtest.h>

#include <atomic>

#include "formats/sharded_writer.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::safetensors_bytes;
using io_test::TempDir;

std::string one_tensor(const std::string& name, int bytes = 2) {
  return safetensors_bytes(
      fmt::format(R"({{"{}":{{"dtype":"U8","shape":[{}],"data_offsets":[0,{}]}}}})", name, bytes, bytes),
      static_cast<std::size_t>(bytes));
}

std::string index_of(const std::string& map) { return R"({"metadata":{},"weight_map":)" + map + "}"; }

TEST(CheckpointReader, ReadsShardsInTheOrderOfTheirNames) {
  const TempDir dir;
  put_file(dir / "s2.safetensors", one_tensor("a"));
  put_file(dir / "s1.safetensors", one_tensor("b"));
  put_file(dir / "model.safetensors.index.json", index_of(R"({"a":"s2.safetensors","b":"s1.safetensors"})"));
  const CheckpointReader reader(dir.path());
  ASSERT_EQ(reader.tensors().size(), 2U);
  EXPECT_EQ(reader.tensors()[0].name(), "b");
  EXPECT_EQ(reader.tensors()[1].name(), "a");
  EXPECT_EQ(reader.total_bytes(), 4U);
  EXPECT_EQ(reader.directory(), dir.path());
  EXPECT_EQ(reader.find("c"), nullptr);
  expect_error(ErrorCode::kNotFound, {dir.path().string(), "'c'"}, [&] { reader.at("c"); });
}

TEST(CheckpointReader, OpensASingleFile) {
  const TempDir dir;
  put_file(dir / "layer.safetensors", one_tensor("a"));
  const CheckpointReader reader(dir / "layer.safetensors");
  EXPECT_EQ(reader.tensors().size(), 1U);
  EXPECT_EQ(reader.directory(), dir.path());
}

TEST(CheckpointReader, SaysWhatIsWrongWithShards) {
  const TempDir dir;
  const auto open = [&] { CheckpointReader reader(dir.path()); };
  const auto index = [&](const std::string& map) {
    put_file(dir / "model.safetensors.index.json", index_of(map));
  };
  put_file(dir / "s1.safetensors", one_tensor("a"));
  index(R"({"a":"s1.safetensors","b":"s2.safetensors"})");
  expect_error(ErrorCode::kNotFound, {"index.json", "shard s2.safetensors is missing"}, open);
  put_file(dir / "s2.safetensors", one_tensor("x"));
  expect_error(ErrorCode::kCorruptFile, {"b should be in s2.safetensors"}, open);
  put_file(dir / "s2.safetensors", one_tensor("a"));
  index(R"({"a":"s2.safetensors"})");
  EXPECT_NO_THROW(open());
  put_file(
      dir / "s1.safetensors",
      safetensors_bytes(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2));
  index(R"({"a":"s2.safetensors","c":"s1.safetensors"})");
  expect_error(ErrorCode::kCorruptFile, {"a is in two shards, s1.safetensors and s2.safetensors"}, open);
  index(R"({"a":"s2.safetensors","a":"s1.safetensors"})");
  expect_error(ErrorCode::kCorruptFile, {"'a' occurs twice"}, open);
  for (const std::string name : {"../s1.safetensors", "/etc/passwd", "..", "", "x\\u0000y"}) {
    index(R"({"a":")" + name + R"("})");
    expect_error(ErrorCode::kCorruptFile, {"a: ", "not a file name"}, open);
  }
  index("[]");
  expect_error(ErrorCode::kCorruptFile, {"weight_map"}, open);
  index(R"({"a":1})");
  expect_error(ErrorCode::kCorruptFile, {"a: a file name was expected"}, open);
  put_file(dir / "model.safetensors.index.json", "{\n \"weight_map\": {,}}");
  expect_error(ErrorCode::kCorruptFile, {"index.json", "line 2, column 17"}, open);
}

TEST(CheckpointReader, AnIndexMayBeWrongAboutShardsAndSharedTensors) {
  const TempDir dir;
  put_file(dir / "s1.safetensors", one_tensor("a"));
  put_file(dir / "s2.safetensors", one_tensor("model.embed_tokens.weight"));
  // a is in the other shard; the head is nowhere, as it shares the embeddings.
  put_file(
      dir / "model.safetensors.index.json",
      index_of(R"({"a":"s2.safetensors","model.embed_tokens.weight":"s2.safetensors","x":"s1.safetensors",
                        "lm_head.weight":"s2.safetensors"})"));
  expect_error(ErrorCode::kCorruptFile, {"x should be in s1.safetensors, but is not"},
               [&] { CheckpointReader reader(dir.path()); });
  put_file(dir / "model.safetensors.index.json",
           index_of(R"({"a":"s2.safetensors","model.embed_tokens.weight":"s1.safetensors",
                        "lm_head.weight":"s2.safetensors"})"));
  const CheckpointReader reader(dir.path());
  EXPECT_EQ(reader.tensors().size(), 2U);
  expect_error(ErrorCode::kNotFound, {"no tensor 'lm_head.weight'; the index puts it in s2.safetensors"},
               [&] { reader.at("lm_head.weight"); });
}

TEST(CheckpointReader, ShowsTheModelsTensorsAndHashesTheFiles) {
  const TempDir dir;
  put_file(dir / "m.safetensors",
           safetensors_bytes(
               R"({"_orig_mod.model.layers.0.w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
                   "_orig_mod.model.layers.1.w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},
                   "_orig_mod.lm_head.weight":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})",
               4));
  ThreadPool pool(1);
  const CheckpointReader plain(dir / "m.safetensors");
  const CheckpointReader reader(dir / "m.safetensors", {.normalized = true, .blocks = 1});
  ASSERT_EQ(reader.tensors().size(), 2U);
  EXPECT_EQ(reader.tensors()[0].name(), "model.layers.0.w");
  EXPECT_NE(reader.find("lm_head.weight"), nullptr);
  EXPECT_EQ(reader.find("model.layers.1.w"), nullptr);
  EXPECT_EQ(reader.left_out(), std::vector<std::string>{"model.layers.1.w"});
  EXPECT_EQ(reader.total_bytes(), 2U);
  EXPECT_EQ(reader.model_hash(pool), plain.model_hash(pool));
  EXPECT_TRUE(plain.left_out().empty());
}

TEST(CheckpointReader, SaysWhatIsThereInstead) {
  const TempDir dir;
  const auto open = [&] { CheckpointReader reader(dir.path()); };
  expect_error(ErrorCode::kNotFound, {dir.path().string(), "neither model.safetensors"}, open);
  put_file(dir / "pytorch_model.bin", "x");
  expect_error(ErrorCode::kNotFound, {"pytorch_model.bin is pickled"}, open);
  std::filesystem::rename(dir / "pytorch_model.bin", dir / "m.gguf");
  expect_error(ErrorCode::kNotFound, {"m.gguf"}, open);
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { CheckpointReader reader(dir / "none"); });
}

// A checkpoint with one tensor above the hash's chunk of 16 MiB, in shards of at most `shard` bytes.
void write_checkpoint(const std::filesystem::path& dir, std::uint64_t shard, bool reversed,
                      float first = 1.0F) {
  constexpr std::int64_t kLarge = (17 << 20) / 4;
  std::vector<TensorSpec> specs = {
      {"large", DType::kF32, {kLarge}}, {"b", DType::kBf16, {3}}, {"a", DType::kBf16, {3}}};
  if (reversed) std::reverse(specs.begin(), specs.end());
  std::vector<float> values(kLarge);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000) + first;
  std::filesystem::create_directories(dir);
  ShardedWriter writer(dir, specs,
                       {.max_shard_bytes = shard, .metadata = {{"shard", std::to_string(shard)}}});
  for (const TensorSpec& spec : specs) writer.write_f32(spec.name, values.data());
  writer.finish();
}

TEST(CheckpointReader, HashIsOfTheContentAlone) {
  const TempDir dir;
  write_checkpoint(dir / "one", 1 << 30, false);
  write_checkpoint(dir / "many", 7, true);
  write_checkpoint(dir / "other", 1 << 30, false, 2.0F);
  ThreadPool one(1), two(2), seven(7);
  const CheckpointReader reader(dir / "one");
  const std::string hash = reader.model_hash(one);
  EXPECT_EQ(hash.size(), 32U);
  EXPECT_EQ(reader.model_hash(two), hash);
  EXPECT_EQ(reader.model_hash(seven), hash);
  EXPECT_EQ(CheckpointReader(dir / "many").model_hash(two), hash);
  EXPECT_NE(CheckpointReader(dir / "other").model_hash(two), hash);
  EXPECT_NE(reader.hash_of({reader.find("a")}, one), reader.hash_of({reader.find("b")}, one));  // names count
  EXPECT_EQ(reader.hash_of({reader.find("a"), reader.find("b")}, one),
            reader.hash_of({reader.find("b"), reader.find("a")}, one));
}

TEST(CheckpointReader, HashSeesTypesAndShapes) {
  const TempDir dir;
  ThreadPool pool(1);
  std::set<std::string> hashes;
  const char* headers[] = {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                           R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}})",
                           R"({"a":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}})",
                           R"({"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})"};
  for (const char* header : headers) {
    put_file(dir / "m.safetensors", safetensors_bytes(header, 4));
    hashes.insert(CheckpointReader(dir / "m.safetensors").model_hash(pool));
  }
  EXPECT_EQ(hashes.size(), 4U);
}

TEST(CheckpointReader, HashStopsWhenAsked) {
  const TempDir dir;
  write_checkpoint(dir / "one", 1 << 30, false);
  ThreadPool pool(2);
  const std::atomic<bool> stop{true};
  expect_error(ErrorCode::kInterrupted, {"interrupted"},
               [&] { CheckpointReader(dir / "one").model_hash(pool, StopToken(&stop)); });
}

}  // namespace
}  // namespace lq
