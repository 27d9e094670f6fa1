#include "eval/label_outputs.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/progress.h"
#include "support/paths.h"

namespace lq {
namespace {

TEST(LabelOutputs, DoNotDependOnWhatPassesTogether) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const auto folder = std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "bert_classes";
  const Model model = Model::load(ctx, folder);
  std::vector<EncodedExample> examples;
  for (std::int32_t i = 0; i < 7; ++i) {
    EncodedExample& e = examples.emplace_back();
    for (std::int32_t t = 0; t <= 3 * i; ++t) e.ids.push_back(5 + (7 * t + i) % 80);
    e.in_loss.assign(e.ids.size(), 0);
  }
  const Tensor whole = label_outputs(ctx, model, examples);
  ASSERT_EQ(whole.shape(), (Shape{7, 3}));
  const Tensor single = label_outputs(ctx, model, examples, 1);
  for (std::int64_t i = 0; i < whole.numel(); ++i) {
    EXPECT_NEAR(whole.data<float>()[i], single.data<float>()[i], 1e-5);
  }
  const Model decoder =
      Model::load(ctx, std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "qwen2");
  EXPECT_THROW(label_outputs(ctx, decoder, examples), Error);
}

}  // namespace
}  // namespace lq
