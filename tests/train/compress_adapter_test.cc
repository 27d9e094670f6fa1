#include "train/compress_adapter.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "quant/codebook/codebook_quantizer.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "support/paths.h"
#include "train/lora_setup.h"

namespace lq {
namespace {

TEST(CompressAdapter, FactorsTakeAFewValuesABlockAndBitsCountThem) {
  const io_test::TempDir dir;
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  reference::write_random_model(pool, {.bits = 4}, dir / "model");
  Model model = Model::load(ctx, dir / "model");
  const CodebookQuantizer nf8(uniform_codebook_config(8));
  EXPECT_THROW(compress_adapter(ctx, model, nf8), Error);
  lora_setup(ctx, model, {.targets = {"q_proj"}, .rank = 4});
  Lora& lora = *model.find_linear("model.layers.0.self_attn.q_proj")->lora();
  const std::vector<float> before(lora.a.values().begin(), lora.a.values().end());
  const CompressedAdapter c = compress_adapter(ctx, model, nf8);
  // Steps of NF8 are at most 1 / 34 of a block's largest; A is uniform, B zero.
  EXPECT_GT(c.relative_error, 0.0);
  EXPECT_LT(c.relative_error, 0.5 / 34 * std::sqrt(3.0));
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(lora.a.values()[i], before[i], 0.5 / 34 / 8 * 1.01);  // the bound of A: 1 / sqrt(64)
  }
  for (const float b : lora.b.values()) EXPECT_EQ(b, 0.0F);
  // 64 x 64 in NF4 (and an offset a matrix), 2 x 4 x 64 in NF8.
  const double nf4 = codebook_bits_per_weight(uniform_codebook_config(4));
  const double low = nf8.bits_per_weight() * 512 / 4096;
  EXPECT_NEAR(c.bits_per_weight_with_low_rank, nf4 + low, 0.05);
  // Again changes nothing more than rounding of the scales.
  EXPECT_LT(compress_adapter(ctx, model, nf8).relative_error, c.relative_error);
}

// Of the embedding too, and magnitudes are counted as they are.
TEST(CompressAdapter, NoFactorIsLeftOut) {
  const auto goldens = std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "adapters";
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  ModelLoadOptions load;
  load.adapter = goldens / "dora_embedding_tied";
  Model model = Model::load(ctx, goldens / "tied", load);
  EmbeddingLora& lora = *model.embedding().lora();
  const std::vector<float> before(lora.a.values().begin(), lora.a.values().end());
  const auto nf8 = adapter_quantizer();
  const CompressedAdapter c = compress_adapter(ctx, model, *nf8);
  double largest = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i)
    largest = std::max<double>(largest, std::abs(lora.a.values()[i] - before[i]));
  EXPECT_GT(largest, 0.0);
  // Bases in f32; ranks of 3, the table [61, 24] and two o_proj [24, 24], a magnitude for each output.
  const double weights = 61 * 24 + 2 * 24 * 24;
  const double factors = 3 * (61 + 24) + 2 * 3 * (24 + 24);
  EXPECT_NEAR(c.bits_per_weight_with_low_rank,
              32 + (nf8->bits_per_weight() * factors + 32.0 * 24 * 3) / weights, 1e-9);
}

}  // namespace
}  // namespace lq
