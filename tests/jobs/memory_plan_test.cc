#include "jobs/memory_plan.h"

#include <gtest/gtest.h>

#include "jobs/select_matrices.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(FinetuneMemoryPlan, CountsWhatLiesBesideThePackedMatrices) {
  const io_test::TempDir dir;
  write_tiny_model(dir.path() / "model", DType::kBf16);
  const CheckpointPtr model = Checkpoint::open(dir.path() / "model");
  const CheckpointReader& reader = model->reader();
  const auto selected = select_matrices(reader, {});
  ThreadPool pool(1);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const MemoryPlan plan =
      finetune_memory_plan(context, model, selected, {.total = 1 << 20, .rank = 4, .tokens = 16});
  EXPECT_EQ(plan.total, 1 << 20);
  EXPECT_EQ(plan.dense, 2 * (2 * 64 * 32 + 5 * 32));  // embedding, head and norms, bf16
  std::int64_t sides = 0;
  for (const TensorView* v : selected) sides += v->shape()[0] + v->shape()[1];
  EXPECT_EQ(plan.low_rank, 4 * 4 * sides);
  EXPECT_EQ(plan.optimizer, 3 * plan.low_rank);  // a gradient and two moments
  EXPECT_GT(plan.activations, 2 * 16 * 32 * 4);  // at least each block's input
  const MemoryPlan longer =
      finetune_memory_plan(context, model, selected, {.total = 1 << 20, .rank = 4, .tokens = 64});
  EXPECT_GT(longer.activations, plan.activations);
}

}  // namespace
}  // namespace lq
