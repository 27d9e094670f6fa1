#include "nn/embedding.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/progress.h"
#include "reference/numbers.h"

namespace lq {
namespace {

constexpr std::int64_t kWords = 9, kWidth = 4, kPart = 2;

Tensor table_of(std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
  Tensor t = Tensor::empty(DType::kF32, {rows, cols});
  const auto values = reference::normals(static_cast<std::size_t>(rows * cols), stream);
  std::copy(values.begin(), values.end(), t.mutable_data<float>());
  return t;
}

std::unique_ptr<EmbeddingLora> part_of(std::int64_t words) {
  auto lora = std::make_unique<EmbeddingLora>();
  lora->a.value = table_of(words, kPart, 2);
  lora->b.value = table_of(kWidth, kPart, 3);
  lora->scaling = 1.5F;
  return lora;
}

// Numbers against PEFT, forward and backward, are in tests/models/model_adapter_test.cc.
TEST(Embedding, AddsTheLowRankPartOfItsRows) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter table;
  table.value = table_of(kWords, kWidth, 1);
  Embedding embedding("e", table);
  const std::vector<std::int32_t> ids = {3, 0, 8, 3};
  std::vector<float> plain(ids.size() * kWidth), with(plain.size());
  embedding.forward(ctx, ids, {plain.data(), 4, kWidth});
  EXPECT_FALSE(embedding.learns());
  embedding.set_lora(ctx, part_of(kWords));
  embedding.forward(ctx, ids, {with.data(), 4, kWidth});
  for (std::size_t t = 0; t < ids.size(); ++t) {
    for (std::int64_t j = 0; j < kWidth; ++j) {
      double want = table.value.data<float>()[ids[t] * kWidth + j];
      EXPECT_EQ(plain[t * kWidth + static_cast<std::size_t>(j)], static_cast<float>(want));
      for (std::int64_t r = 0; r < kPart; ++r) {
        want += 1.5 * double{embedding.lora()->a.value.data<float>()[ids[t] * kPart + r]} *
                double{embedding.lora()->b.value.data<float>()[j * kPart + r]};
      }
      EXPECT_NEAR(with[t * kWidth + static_cast<std::size_t>(j)], want, 1e-5);
    }
  }
  embedding.lora()->a.make_trainable();
  EXPECT_TRUE(embedding.learns());
}

TEST(Embedding, APartOfAnotherShapeIsRefused) {
  ThreadPool pool(1);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  Parameter table;
  table.value = table_of(kWords, kWidth, 1);
  Embedding embedding("e", table);
  try {
    embedding.set_lora(ctx, part_of(kWords + 1));
    FAIL() << "taken";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("the table is [9, 4]"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace lq
