#include "train/validation.h"

#include <gtest/gtest.h>

#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

// Packing changes no loss: sequences see neither each other nor each other's positions.
TEST(Validation, PackedExamplesHaveTheLossesTheyHaveAlone) {
  const io_test::TempDir dir;
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  reference::write_random_model(pool, {.bits = 3}, dir / "model");
  const Model model = Model::load(ctx, dir / "model");
  std::vector<EncodedExample> examples;
  std::int64_t counted = 0;
  for (int i = 0; i < 12; ++i) {
    EncodedExample& e = examples.emplace_back();
    for (int t = 0; t < 2 + 5 * i; ++t) {
      e.ids.push_back(static_cast<std::int32_t>(Rng(7).below(static_cast<std::uint64_t>(100 * i + t), 97)));
      e.in_loss.push_back(t % 3 != 0 ? 1 : 0);
    }
    counted += e.trained_tokens();
  }
  Workspace ws;
  const ValidationLoss alone = validation_loss(ctx, ws, model, examples, 1);
  const ValidationLoss packed = validation_loss(ctx, ws, model, examples, 100000);
  EXPECT_EQ(alone.tokens, counted);
  EXPECT_EQ(packed.tokens, counted);
  // f32 products over 64 to 96 terms in another order, a few layers deep.
  EXPECT_NEAR(packed.loss, alone.loss, 1e-5 * alone.loss);
  EXPECT_EQ(validation_loss(ctx, ws, model, {}, 16).tokens, 0);
}

}  // namespace
}  // namespace lq
