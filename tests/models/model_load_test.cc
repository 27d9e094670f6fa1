// What a load takes and what it refuses, by the name of the tensor at fault. Families: tests/models/families.
#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/safetensors_writer.h"
#include "models/model.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

class ModelLoad : public ::testing::Test {
 protected:
  ModelLoad() { reference::write_random_model(pool_, {.dtype = DType::kF32}, dir_ / "model"); }

  // The model again, without tensor `drop`, or with `change` of another shape.
  std::filesystem::path variant(const std::string& drop, const std::string& change = "") {
    const std::filesystem::path to = dir_ / "variant";
    std::filesystem::remove_all(to);
    std::filesystem::create_directories(to);
    std::filesystem::copy_file(dir_ / "model" / "config.json", to / "config.json");
    const CheckpointReader reader(dir_ / "model");
    std::vector<TensorSpec> specs;
    std::vector<Tensor> values;
    for (const TensorView& view : reader.tensors()) {
      if (view.name() == drop) continue;
      specs.push_back(view.spec);
      values.push_back(view.copy_f32());
      if (view.name() != change) continue;
      specs.back().shape = {view.shape()[0], view.shape()[1] + 1};
      values.back() = Tensor::zeros(DType::kF32, specs.back().shape);
    }
    SafetensorsWriter writer(to / "model.safetensors", specs, {{"format", "pt"}});
    for (std::size_t i = 0; i < specs.size(); ++i) writer.write_f32(specs[i].name, values[i].data<float>());
    writer.finish();
    return to;
  }
  Error refusal(const std::filesystem::path& path, const ModelLoadOptions& options = {}) {
    try {
      Model::load(ctx_, path, options);
    } catch (const Error& e) {
      return e;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::kInternal, "none");
  }

  io_test::TempDir dir_;
  ThreadPool pool_{1};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
};

TEST_F(ModelLoad, EveryTensorIsAParameterOrALinear) {
  Model model = Model::load(ctx_, dir_ / "model");
  EXPECT_FALSE(model.packed());
  EXPECT_FALSE(model.has_adapter());
  EXPECT_TRUE(model.trainable().empty());
  for (const TensorView& view : model.checkpoint()->reader().tensors())
    EXPECT_NE(model.find_parameter(view.name()), nullptr) << view.name();
  EXPECT_EQ(model.find_parameter("model.layers.7.mlp.up_proj.weight"), nullptr);
  EXPECT_EQ(model.spec().layers(), 2);
}

TEST_F(ModelLoad, PackedWeightsAreLinearsAndNoParameters) {
  reference::write_random_model(pool_, {.bits = 3}, dir_ / "packed");
  Model model = Model::load(ctx_, dir_ / "packed");
  EXPECT_TRUE(model.packed());
  EXPECT_EQ(model.find_parameter("model.layers.0.mlp.up_proj.weight"), nullptr);
  EXPECT_NE(model.find_linear("model.layers.0.mlp.up_proj"), nullptr);
  EXPECT_NE(model.find_parameter("model.norm.weight"), nullptr);
}

TEST_F(ModelLoad, AMissingTensorIsNamed) {
  const Error e = refusal(variant("model.layers.1.self_attn.o_proj.weight"));
  EXPECT_NE(std::string(e.what()).find("model.layers.1.self_attn.o_proj"), std::string::npos) << e.what();
}

TEST_F(ModelLoad, AShapeThatDisagreesWithTheConfigIsNamed) {
  const Error e = refusal(variant("", "model.layers.0.mlp.down_proj.weight"));
  EXPECT_EQ(e.code(), ErrorCode::kMismatch);
  EXPECT_NE(std::string(e.what()).find("down_proj"), std::string::npos) << e.what();
  EXPECT_NE(std::string(e.what()).find("97"), std::string::npos) << e.what();
}

TEST_F(ModelLoad, AFolderThatIsNotThereAndLabelsOfADecoder) {
  EXPECT_EQ(refusal(dir_ / "nowhere").code(), ErrorCode::kNotFound);
  ModelLoadOptions labels;
  labels.labels = LabelSpec{.outputs = 2};
  EXPECT_EQ(refusal(dir_ / "model", labels).code(), ErrorCode::kUnsupported);
}

TEST_F(ModelLoad, AScaleWithoutAnAdapterIsRefused) {
  ModelLoadOptions options;
  options.lora_scale = 0.5;
  EXPECT_EQ(refusal(dir_ / "model", options).code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace lq
