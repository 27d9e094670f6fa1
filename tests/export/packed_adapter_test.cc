#include "export/packed_adapter.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "export/packed_model.h"

namespace lq {
namespace {

class PackedAdapterTest : public testing::Test {
 protected:
  // What opening says of an adapter with this low-rank part and this whole weight (either may be left out).
  std::string error_of(const LoraSpec& spec, const TensorSpec& whole) {
    const auto directory = tiny_.dir / "adapter";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    PeftWriterOptions options;
    if (!whole.name.empty()) options.replaced = {whole};
    PeftAdapterWriter writer(directory, {}, {spec}, options);
    const std::vector<float> zeros(1 << 14);
    writer.write(spec.module, zeros.data(), zeros.data());
    if (!whole.name.empty()) writer.write_replaced(whole.name, zeros.data());
    writer.finish();
    try {
      open_packed_adapter(PackedCheckpoint(tiny_.packed), directory);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  PackedTinyModel tiny_;
  const LoraSpec good_ = {"model.layers.1.mlp.up_proj", 2, 32, 40, 2.0};
};

TEST_F(PackedAdapterTest, OneThatFitsIsOpened) {
  EXPECT_EQ(error_of(good_, {}), "none");
  EXPECT_EQ(error_of(good_, {"lm_head.weight", DType::kF32, {64, 32}}), "none");
  const auto all = linear_modules(PackedCheckpoint(tiny_.packed));
  EXPECT_EQ(all.size(), 15U);  // fourteen in the blocks, and the head
  EXPECT_EQ(all.front(), "lm_head");
}

TEST_F(PackedAdapterTest, OneThatDoesNotFitIsNamed) {
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  LoraSpec spec = good_;
  spec.in = 16;
  has(error_of(spec, {}), "is 40 x 16, but the matrix is 40 x 32");
  spec = good_;
  spec.module = "model.layers.7.mlp.up_proj";
  has(error_of(spec, {}), "'model.layers.7.mlp.up_proj', which is no linear module");
  spec.module = "model.norm";
  has(error_of(spec, {}), "'model.norm', which is no linear module");
  has(error_of(good_, {"model.norm.weight", DType::kF32, {16}}), "model.norm.weight is [16]");
  has(error_of(good_, {"score.weight", DType::kF32, {2, 32}}), "score.weight, which the model");
  has(error_of(good_, {"model.layers.0.mlp.up_proj.weight", DType::kF32, {40, 32}}),
      "that is a packed matrix");
}

}  // namespace
}  // namespace lq
