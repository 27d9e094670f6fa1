#include "formats/gguf/gguf_rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/rng.h"
#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_form.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

std::vector<float> random_rows(ThreadPool& pool, std::int64_t n) {
  std::vector<float> w(static_cast<std::size_t>(n));
  Rng(3, 4).fill_normal(pool, w.data(), n);
  return w;
}

TEST(GgufRows, RowsInLlamaCppsOrderComeBackInOurs) {
  const io_test::TempDir dir;
  ThreadPool pool(2);
  const GgufRows tensor = {"blk.0.attn_q.weight", ggml::GgmlType::kF32, 600, 32, 12};
  const std::vector<float> w = random_rows(pool, 600 * 32);
  {
    GgufWriter writer(dir / "m.gguf", {}, {{tensor.name, tensor.type, {600, 32}}});
    EXPECT_EQ(write_gguf_rows(pool, writer, tensor, w.data(), "w"), 0.0);
    writer.finish();
  }
  const GgufFile file(dir / "m.gguf");
  const TensorView view = gguf_view(file.tensors()[0], "q", {.head_dim = 12}, "f");
  std::vector<float> back(w.size());
  view.to_f32(0, std::ssize(back), back.data());
  EXPECT_EQ(back, w);
  // Row 1 of a head in the file is its row 6 here: the two that rotary positions turn with each other.
  std::vector<float> stored(w.size());
  gguf_view(file.tensors()[0], "q", {}, "f").to_f32(0, std::ssize(stored), stored.data());
  EXPECT_EQ(stored[32], w[6 * 32]);
  EXPECT_EQ(gguf_row_of_stored(13, 12), 18);
}

TEST(GgufRows, BlocksMoveWithTheirRows) {
  const io_test::TempDir dir;
  const GgufRows tensor = {"t", ggml::GgmlType::kQ8_0, 4, 32, 4};
  std::vector<std::uint8_t> blocks(4 * 34);
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::uint8_t>(i / 34);
  {
    GgufWriter writer(dir / "m.gguf", {}, {{tensor.name, tensor.type, {4, 32}}});
    write_gguf_blocks(writer, tensor, blocks);
    writer.finish();
  }
  const GgufFile file(dir / "m.gguf");
  std::vector<int> rows;
  for (int row = 0; row < 4; ++row) rows.push_back(static_cast<int>(file.tensors()[0].data[row * 34]));
  EXPECT_EQ(rows, (std::vector<int>{0, 2, 1, 3}));
}

TEST(GgufRows, AValueBeyondTheTypeIsRefused) {
  const io_test::TempDir dir;
  ThreadPool pool(1);
  const std::vector<float> w = {1.0F, 70000.0F};
  GgufWriter writer(dir / "m.gguf", {}, {{"t", ggml::GgmlType::kF16, {2}}});
  io_test::expect_error(ErrorCode::kUnsupported, {"model.norm.weight", "beyond the range of F16"}, [&] {
    write_gguf_rows(pool, writer, {"t", ggml::GgmlType::kF16, 1, 2, 0}, w.data(), "model.norm.weight");
  });
}

}  // namespace
}  // namespace lq
