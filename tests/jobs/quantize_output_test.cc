#include "jobs/quantize_output.h"

#include <gtest/gtest.h>

#include <cstring>

#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "jobs/quantize_matrix.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

constexpr const char* kOnePacked = "model.layers.0.mlp.up_proj.weight";

// One matrix of a tiny model decomposed, and the store that holds it.
class QuantizeOutputTest : public testing::Test {
 protected:
  QuantizeOutputTest() {
    write_tiny_model(dir_ / "model");
    options_.model = dir_ / "model";
    options_.out = dir_ / "out";
    options_.choice = FormatSet().uniform(3);
    options_.decompose.rank = 2;
    model_ = Checkpoint::open(options_.model);
    selected_ = {&model_->reader().at(kOnePacked)};
    std::filesystem::create_directories(options_.out);
  }

  void decompose() {
    matrix_ = quantize_matrix(context_, *selected_.front(), options_);
    std::vector<Tensor> parts;
    std::vector<std::pair<std::string, const Tensor*>> tensors;
    parts.reserve(matrix_.q.parts().size());
    for (const PackedPart& part : matrix_.q.parts()) {
      parts.push_back(Tensor::borrow(DType::kU8, {static_cast<std::int64_t>(part.bytes.size())},
                                     reinterpret_cast<const std::byte*>(part.bytes.data())));
      tensors.emplace_back(part.suffix, &parts.back());
    }
    tensors.emplace_back("lora_A", &matrix_.lora_a);
    tensors.emplace_back("lora_B", &matrix_.lora_b);
    store_.put(kOnePacked, tensors, {{"of", "a test"}});
  }

  QuantizedPieces pieces() const {
    return {.options = options_, .model = *model_, .selected = selected_, .store = store_};
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
  QuantizeOptions options_;
  CheckpointPtr model_;
  std::vector<const TensorView*> selected_;
  WorkStore store_{dir_ / "store"};
  QuantizedMatrix matrix_;
};

TEST_F(QuantizeOutputTest, ThePieceIsPackedAndEveryOtherTensorIsAsItWas) {
  decompose();
  write_quantized(context_, pieces(), options_.out);
  const PackedCheckpoint packed(options_.out);
  ASSERT_EQ(packed.packed().modules.size(), 1U);
  EXPECT_EQ(packed.packed().source_hash, model_->hash(pool_, {}));
  const PackedMatrix q = packed.matrix(kOnePacked);
  std::vector<float> written(static_cast<std::size_t>(40 * 32)), wanted(written.size());
  q.dequantize(pool_, written.data());
  matrix_.q.dequantize(pool_, wanted.data());
  EXPECT_EQ(written, wanted);
  const auto dense = packed.dense_tensors();
  ASSERT_EQ(dense.size(), model_->reader().tensors().size() - 1);
  for (const TensorView* view : dense) {
    const TensorView& source = model_->reader().at(view->name());
    ASSERT_EQ(view->bytes, source.bytes) << view->name();
    EXPECT_EQ(std::memcmp(view->data, source.data, view->bytes), 0) << view->name();
  }
  const PeftAdapterReader adapter(options_.out / "adapter");
  EXPECT_EQ(adapter.base_hash(), packed.packed().model_hash);
  ASSERT_EQ(adapter.pairs().size(), 1U);
  const Tensor a = adapter.pairs().front().a.copy_f32();
  EXPECT_EQ(std::memcmp(a.data<float>(), matrix_.lora_a.data<float>(), a.bytes()), 0);
}

TEST_F(QuantizeOutputTest, RankZeroWritesNoAdapter) {
  options_.decompose.rank = 0;
  matrix_ = quantize_matrix(context_, *selected_.front(), options_);
  std::vector<std::pair<std::string, const Tensor*>> tensors;
  std::vector<Tensor> parts;
  parts.reserve(matrix_.q.parts().size());
  for (const PackedPart& part : matrix_.q.parts()) {
    parts.push_back(Tensor::borrow(DType::kU8, {static_cast<std::int64_t>(part.bytes.size())},
                                   reinterpret_cast<const std::byte*>(part.bytes.data())));
    tensors.emplace_back(part.suffix, &parts.back());
  }
  store_.put(kOnePacked, tensors, {});
  write_quantized(context_, pieces(), options_.out);
  EXPECT_FALSE(std::filesystem::exists(options_.out / "adapter"));
}

TEST_F(QuantizeOutputTest, APieceThatIsMissingOrDamagedIsNamed) {
  io_test::expect_error(ErrorCode::kCorruptFile, {kOnePacked, "run the same command again"},
                        [&] { write_quantized(context_, pieces(), options_.out); });
  decompose();
  std::string bytes = io_test::get_file(store_.file_of(kOnePacked));
  bytes[bytes.size() / 2] ^= 1;
  io_test::put_file(store_.file_of(kOnePacked), bytes);
  io_test::expect_error(ErrorCode::kCorruptFile, {kOnePacked, "damaged"},
                        [&] { finished_piece(store_, kOnePacked); });
}

}  // namespace
}  // namespace lq
