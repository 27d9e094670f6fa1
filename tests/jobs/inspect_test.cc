#include "jobs/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/safetensors_reader.h"
#include "jobs/quantize_model.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

using io_test::TempDir;

std::string fact(const Inspection& inspection, const std::string& key) {
  for (const auto& [name, value] : inspection.facts) {
    if (name == key) return value;
  }
  return "missing";
}

TEST(Inspect, KnowsModelsAdaptersAndFiles) {
  const TempDir dir;
  const auto model = dir.path() / "model";
  write_tiny_model(model);
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  QuantizeOptions options;
  options.model = model;
  options.out = dir.path() / "out";
  options.decompose.rank = 2;
  quantize_model(context, options);

  const Inspection dense = inspect_path(pool, model);
  EXPECT_EQ(dense.kind, "dense model");
  EXPECT_EQ(fact(dense, "architecture"), "LlamaForCausalLM");
  EXPECT_EQ(dense.tensors.size(), 21U);
  const Inspection packed = inspect_path(pool, options.out);
  EXPECT_EQ(packed.kind, "packed model");
  EXPECT_EQ(fact(packed, "packed matrices"), "14");
  EXPECT_EQ(fact(packed, "source hash"), fact(dense, "hash"));
  EXPECT_EQ(fact(packed, "content"), "agrees with its hash");
  EXPECT_EQ(inspect_path(pool, options.out / "adapter").kind, "PEFT LoRA adapter");
  EXPECT_EQ(fact(inspect_path(pool, options.out / "adapter"), "base hash"), fact(packed, "hash"));
  EXPECT_EQ(inspect_path(pool, model / "model.safetensors").kind, "safetensors file");
  EXPECT_EQ(packed.to_json()["kind"], "packed model");
}

TEST(Inspect, ShowsEveryTensorOfAnAdapter) {
  ThreadPool pool(1);
  const auto adapter =
      std::filesystem::path(lq::test::source_dir()) / "tests/goldens/adapters/dora_embedding_and_head";
  const Inspection shown = inspect_path(pool, adapter);
  EXPECT_EQ(shown.tensors.size(), SafetensorsReader(adapter / "adapter_model.safetensors").tensors().size());
  EXPECT_EQ(fact(shown, "rank"), "3");
}

TEST(Inspect, TellsADamagedPackedModel) {
  const TempDir dir;
  const auto model = dir.path() / "model";
  write_tiny_model(model);
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  QuantizeOptions options;
  options.model = model;
  options.out = dir.path() / "out";
  options.decompose.rank = 0;
  quantize_model(context, options);
  const auto file = options.out / "model.safetensors";
  {
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file)) - 5000);
    f.put('\x5a');
  }
  bool noticed = false;
  try {
    noticed = fact(inspect_path(pool, options.out), "content").starts_with("DIFFERS");
  } catch (const Error&) {
    noticed = true;  // the byte lay where its value is checked
  }
  EXPECT_TRUE(noticed);
}

TEST(Inspect, KnowsGgufFilesTypeByType) {
  ThreadPool pool(1);
  const Inspection gguf = inspect_path(pool, test::source_dir() + "/tests/goldens/gguf/qwen2/model.gguf");
  EXPECT_EQ(gguf.kind, "GGUF file");
  EXPECT_EQ(fact(gguf, "architecture"), "qwen2");
  EXPECT_EQ(fact(gguf, "version"), "3");
  EXPECT_EQ(fact(gguf, "tensors"), std::to_string(gguf.tensors.size()));
  EXPECT_EQ(fact(gguf, "hash").size(), 32U);
  EXPECT_EQ(fact(gguf, "qwen2.block_count"), "2");
  const auto q8 = std::find_if(gguf.tensors.begin(), gguf.tensors.end(),
                               [](const InspectedTensor& t) { return t.type == "Q8_0"; });
  ASSERT_NE(q8, gguf.tensors.end());
  EXPECT_EQ(q8->bits_per_weight, 8.5);
}

TEST(Inspect, KnowsSweepTables) {
  const TempDir dir;
  const auto path = dir.path() / "table.json";
  io_test::put_file(path, R"({"model": "abc", "rank": 8, "matrices": [1, 2], "configs": [1], "errors": []})");
  ThreadPool pool(1);
  const Inspection table = inspect_path(pool, path, true);
  EXPECT_EQ(table.kind, "sweep table");
  EXPECT_EQ(fact(table, "matrices"), "2");
  EXPECT_EQ(fact(table, "model"), "abc");
  io_test::put_file(path, R"({"configs": [1], "errors": []})");
  EXPECT_EQ(fact(inspect_path(pool, path, true), "model"), "not named");
  io_test::put_file(path, R"({"model": 7, "configs": [1], "errors": []})");
  io_test::expect_error(ErrorCode::kCorruptFile, {"table.json", "model"},
                        [&] { inspect_path(pool, path, true); });
}

TEST(Inspect, RefusesWhatItDoesNotKnow) {
  const TempDir dir;
  ThreadPool pool(1);
  EXPECT_THROW(inspect_path(pool, dir.path() / "nothing"), Error);
  EXPECT_THROW(inspect_path(pool, dir.path()), Error);
  std::ofstream(dir.path() / "x.txt") << "text";
  EXPECT_THROW(inspect_path(pool, dir.path() / "x.txt"), Error);
  std::ofstream(dir.path() / "x.gguf") << "GGUF";
  EXPECT_THROW(inspect_path(pool, dir.path() / "x.gguf"), Error);
}

}  // namespace
}  // namespace lq
