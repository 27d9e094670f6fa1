#include "models/families/phi3.h"

#include <gtest/gtest.h>

#include "base/progress.h"
#include "formats/peft_adapter.h"
#include "models/decoder_config.h"
#include "models/golden_numbers.h"
#include "models/model.h"
#include "reference/numbers.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

nlohmann::ordered_json phi3_config() { return decoder_config("Phi3ForCausalLM", "phi3"); }

TEST(Phi3Family, FusesAndTurnsAPart) {
  auto json = phi3_config();
  EXPECT_EQ(spec_of(json).blocks[0].attention.window, 0);
  json["sliding_window"] = 9;
  json["partial_rotary_factor"] = 0.5;
  json["original_max_position_embeddings"] = 32;
  json["rope_scaling"] = {{"type", "su"}, {"short_factor", {1.0, 1.5}}, {"long_factor", {2.0, 9.0}}};
  const ModelSpec spec = spec_of(json);
  EXPECT_TRUE(spec.blocks[0].attention.fused_qkv && spec.blocks[0].mlp.fused_gate_up);
  EXPECT_EQ(spec.blocks[1].attention.window, 9);
  EXPECT_EQ(spec.rope.type, RopeType::kLongRope);
  EXPECT_EQ(spec.rope.dims(8), 4);
  EXPECT_NEAR(spec.rope.attention_factor, std::sqrt(1.0 + std::log(4.0) / std::log(32.0)), 1e-9);
  const auto near = rope_frequencies(spec.rope, 8, 32), far = rope_frequencies(spec.rope, 8, 33);
  EXPECT_FLOAT_EQ(near[0], 1.0F);
  EXPECT_FLOAT_EQ(far[0], 0.5F);
  EXPECT_FLOAT_EQ(near[1] * 1.5F, far[1] * 9.0F);
}

TEST(Phi3Family, FactorsMustFitTheDimensionsThatTurn) {
  auto json = phi3_config();
  json["rope_scaling"] = {{"type", "longrope"}, {"short_factor", {1.0}}, {"long_factor", {2.0}}};
  EXPECT_THROW(spec_of(json), Error);
  json.erase("rope_scaling");
  json["partial_rotary_factor"] = 0.3;  // 2.4 of 8 dimensions
  EXPECT_EQ(spec_of(json).rope.dims(8), 2);
  json["partial_rotary_factor"] = 0.45;  // three
  EXPECT_THROW(spec_of(json), Error);
}

// An adapter that names queries, values and the gate is one of the matrices that hold them.
TEST(Phi3Family, AdaptersMayNameTheParts) {
  const auto folder = golden::folder() / "phi3";
  const io_test::TempDir dir;
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const std::vector<LoraSpec> specs = {
      {.module = "model.layers.1.self_attn.q_proj", .rank = 2, .in = 24, .out = 24, .alpha = 3.0},
      {.module = "model.layers.1.self_attn.v_proj", .rank = 3, .in = 24, .out = 8, .alpha = 6.0},
      {.module = "model.layers.0.mlp.up_proj", .rank = 1, .in = 24, .out = 36, .alpha = 2.0}};
  std::vector<std::vector<float>> a, b;
  {
    PeftAdapterWriter writer(dir.path(), PeftConfig{}, specs);
    for (const LoraSpec& s : specs) {
      a.push_back(reference::normals(static_cast<std::size_t>(s.rank * s.in), 7 + a.size()));
      b.push_back(reference::normals(static_cast<std::size_t>(s.rank * s.out), 17 + b.size()));
      writer.write(s.module, a.back().data(), b.back().data());
    }
    writer.finish();
  }
  Model model = Model::load(ctx, folder, {.adapter = dir.path()});
  const Linear* const qkv = model.find_linear("model.layers.1.self_attn.qkv_proj");
  ASSERT_NE(qkv, nullptr);
  ASSERT_NE(qkv->lora(), nullptr);
  EXPECT_EQ(qkv->lora()->rank(), 5);
  EXPECT_EQ(model.find_linear("model.layers.0.self_attn.qkv_proj")->lora(), nullptr);
  // B A of the fused module, row by row: queries' 24 rows, keys' 8, values' 8.
  const float* const fa = qkv->lora()->a.value.data<float>();
  const float* const fb = qkv->lora()->b.value.data<float>();
  for (std::size_t row = 0; row < 40; ++row) {
    for (std::size_t col = 0; col < 24; ++col) {
      double have = 0.0, want = 0.0;
      for (std::size_t r = 0; r < 5; ++r) have += double{fb[row * 5 + r]} * fa[r * 24 + col];
      for (std::size_t r = 0; row < 24 && r < 2; ++r) want += 1.5 * b[0][row * 2 + r] * a[0][r * 24 + col];
      for (std::size_t r = 0; row >= 32 && r < 3; ++r)
        want += 2.0 * b[1][(row - 32) * 3 + r] * a[1][r * 24 + col];
      EXPECT_NEAR(have, want, 1e-4) << row << " " << col;
    }
  }
  EXPECT_EQ(model.find_linear("model.layers.0.mlp.gate_up_proj")->lora()->scaling, 1.0F);
}

}  // namespace
}  // namespace lq
