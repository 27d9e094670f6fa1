#include "export/gguf_source.h"

#include <gtest/gtest.h>

#include "export/packed_model.h"

namespace lq {
namespace {

using io_test::expect_error;

TEST(GgufSource, ADenseModelIsOneOfWhichNothingIsPacked) {
  PackedTinyModel tiny;
  const CheckpointPtr dense = Checkpoint::open(tiny.dense);
  const PackedCheckpoint seen = packed_or_dense(tiny.context, dense);
  EXPECT_TRUE(seen.packed().modules.empty());
  EXPECT_EQ(seen.packed().model_hash, dense->hash(tiny.pool));
  EXPECT_EQ(seen.dense_tensors().size(), dense->reader().tensors().size());
  const GgufSource source(seen, nullptr, {});
  EXPECT_EQ(source.tensors().size(), 21U);
  EXPECT_EQ(source.most_used(), ggml::GgmlType::kF32);
  EXPECT_TRUE(source.left_out().empty());
  const PackedCheckpoint packed = packed_or_dense(tiny.context, Checkpoint::open(tiny.packed));
  EXPECT_EQ(packed.packed().modules.size(), 14U);
  EXPECT_EQ(GgufSource(packed, nullptr, {.matrices = ggml::GgmlType::kBf16}).most_used(),
            ggml::GgmlType::kBf16);
}

TEST(GgufSource, TensorsAreThoseOfTheConfig) {
  PackedTinyModel tiny;
  JsonObject config = load_config(tiny.dense);
  const auto source = [&] {
    config.save(tiny.dense / "config.json");
    const PackedCheckpoint seen = packed_or_dense(tiny.context, Checkpoint::open(tiny.dense));
    return GgufSource(seen, nullptr, {}).left_out();
  };
  config.json()["tie_word_embeddings"] = true;
  EXPECT_EQ(source(), std::vector<std::string>{"lm_head.weight"});
  config.json()["intermediate_size"] = 48;
  expect_error(ErrorCode::kMismatch, {"mlp.gate_proj.weight is [40, 32]", "[48, 32]"}, [&] { source(); });
  config.json()["intermediate_size"] = 40;
  config.json()["attention_bias"] = true;
  expect_error(ErrorCode::kNotFound, {"no tensor model.layers.0.self_attn.q_proj.bias"}, [&] { source(); });
}

}  // namespace
}  // namespace lq
