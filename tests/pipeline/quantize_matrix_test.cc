#include "pipeline/quantize_matrix.h"

#include <gtest/gtest.h>

#include "io/io_test_util.h"
#include "pipeline/tiny_model.h"

namespace lq {
namespace {

using io_test::TempDir;

TEST(QuantizeMatrix, FactorsCarryTheScaling) {
  const TempDir dir;
  write_tiny_model(dir.path() / "model");
  const CheckpointReader reader(dir.path() / "model");
  const TensorView& view = reader.at("model.layers.0.mlp.up_proj.weight");
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  QuantizeOptions options;
  options.decompose.rank = 4;
  const QuantizedMatrix one = quantize_matrix(context, view, options);
  options.alpha = 16.0;  // scaling 4: each factor is halved
  const QuantizedMatrix four = quantize_matrix(context, view, options);
  ASSERT_EQ(one.lora_a.shape(), (Shape{4, 32}));
  ASSERT_EQ(one.lora_b.shape(), (Shape{40, 4}));
  for (std::int64_t i = 0; i < one.lora_a.numel(); ++i) {
    EXPECT_EQ(one.lora_a.data<float>()[i], 2.0F * four.lora_a.data<float>()[i]);
  }
  EXPECT_EQ(one.report.relative_error, four.report.relative_error);
  EXPECT_EQ(one.report.storage_bytes, one.q.storage_bytes());
  EXPECT_EQ(one.report.low_rank_bytes, 4 * (32 + 40) * 4);
}

}  // namespace
}  // namespace lq
