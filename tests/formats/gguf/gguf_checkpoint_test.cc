#include "formats/gguf/gguf_checkpoint.h"

#include <gtest/gtest.h>

#include "formats/checkpoint.h"
#include "formats/gguf/gguf_test_file.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

const std::filesystem::path kGoldenFolder = std::filesystem::path(test::source_dir()) / "tests" / "goldens";

TEST(GgufCheckpoint, AnF32FileIsTheDirectoryThatItWasMadeOf) {
  const CheckpointPtr have = Checkpoint::open(kGoldenFolder / "gguf/llama_rope_llama3/model.gguf");
  const CheckpointPtr want = Checkpoint::open(kGoldenFolder / "llama_rope_llama3");
  ASSERT_EQ(have->reader().tensors().size(), want->reader().tensors().size());
  for (const TensorView& w : want->reader().tensors()) {
    const TensorView& h = have->reader().at(w.name());
    ASSERT_EQ(h.shape(), w.shape()) << w.name();
    const Tensor x = h.copy_f32();
    const Tensor y = w.copy_f32();
    EXPECT_EQ(std::memcmp(x.raw(), y.raw(), y.bytes()), 0) << w.name();
  }
  const JsonObject rope = have->config().section("rope_scaling");
  EXPECT_EQ(rope.text("rope_type"), "llama3");
  EXPECT_EQ(rope.number("factor"), 8.0);
  EXPECT_EQ(rope.integer("original_max_position_embeddings"), 64);
}

TEST(GgufCheckpoint, IsAModelLikeAnyOther) {
  ThreadPool pool(2);
  const auto path = kGoldenFolder / "gguf/llama/model.gguf";
  const CheckpointPtr model = Checkpoint::open(path);
  EXPECT_EQ(model->path(), path);
  EXPECT_EQ(model->directory(), path.parent_path());
  EXPECT_FALSE(model->is_packed());
  EXPECT_EQ(model->reader().file_count(), 1U);
  EXPECT_EQ(model->reader().at("model.layers.0.self_attn.q_proj.weight").dtype(), DType::kF32);
  EXPECT_EQ(model->hash(pool).size(), 32U);
  EXPECT_NE(model->hash(pool), Checkpoint::open(kGoldenFolder / "gguf/qwen3/model.gguf")->hash(pool));
  EXPECT_EQ(model->hash(pool), Checkpoint::open(path)->hash(pool));
  EXPECT_TRUE(model->folder().in_memory());
  std::uint64_t bytes = 0;
  for (const TensorView& view : model->reader().tensors()) bytes += view.bytes;
  EXPECT_EQ(model->reader().total_bytes(), bytes);
}

TEST(GgufCheckpoint, ATensorThatIsNotKnownIsRefused) {
  const io_test::TempDir dir;
  GgufKeys keys;
  gguf_test::add_llama_keys(keys);
  std::vector<GgufSpec> specs = gguf_test::llama_specs();
  specs.push_back({"blk.0.attn_sinks.weight", ggml::GgmlType::kF32, {2}});
  gguf_test::write_zeros(dir / "m.gguf", keys, specs);
  expect_error(ErrorCode::kUnsupported, {"m.gguf", "blk.0.attn_sinks.weight"},
               [&] { (void)Checkpoint::open(dir / "m.gguf"); });
  specs.back().name = "blk.1.attn_q.weight";
  gguf_test::write_zeros(dir / "m.gguf", keys, specs);
  expect_error(ErrorCode::kCorruptFile, {"blk.1.attn_q.weight is beyond the 1 blocks"},
               [&] { (void)Checkpoint::open(dir / "m.gguf"); });
}

}  // namespace
}  // namespace lq
