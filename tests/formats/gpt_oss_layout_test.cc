#include "formats/gpt_oss_layout.h"

#include <gtest/gtest.h>

#include <map>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

// Stacks of two experts, three inputs and two outputs each of gate and up, or bytes.
struct Stacks {
  std::map<std::string, std::vector<std::byte>> bytes;
  std::vector<TensorView> views;

  void add(const std::string& name, DType dtype, Shape shape) {
    TensorView v;
    v.spec = {"model.layers.0.mlp.experts." + name, dtype, std::move(shape)};
    auto& held = bytes[name];
    held.resize(v.spec.bytes());
    if (dtype == DType::kF32) {
      std::vector<float> values(static_cast<std::size_t>(v.spec.numel()));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
      convert_from_f32(dtype, values.data(), std::ssize(values), held.data());
    } else {
      for (std::size_t i = 0; i < held.size(); ++i) held[i] = static_cast<std::byte>(119 + i % 13);
    }
    v.data = held.data();
    v.bytes = held.size();
    views.push_back(std::move(v));
  }
  std::vector<TensorView> cut() const { return gpt_oss_experts(views, 2, "X"); }
};

const TensorView& named(const std::vector<TensorView>& all, const std::string& end) {
  for (const TensorView& v : all) {
    if (v.name() == "model.layers.0.mlp.experts." + end) return v;
  }
  throw std::runtime_error(end);
}

std::vector<float> values_of(const TensorView& v) {
  const Tensor t = v.copy_f32();
  return {t.data<float>(), t.data<float>() + t.numel()};
}

TEST(GptOssLayout, StacksBecomeEachExpertsMatrices) {
  Stacks s;
  s.add("gate_up_proj", DType::kF32, {2, 3, 4});
  s.add("gate_up_proj_bias", DType::kF32, {2, 4});
  s.add("down_proj", DType::kF32, {2, 2, 3});
  s.add("down_proj_bias", DType::kF32, {2, 3});
  const auto all = s.cut();
  ASSERT_EQ(all.size(), 12U);
  EXPECT_EQ(named(all, "1.gate_proj.weight").shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of(named(all, "0.gate_proj.weight")), (std::vector<float>{0, 4, 8, 2, 6, 10}));
  EXPECT_EQ(values_of(named(all, "1.up_proj.weight")), (std::vector<float>{13, 17, 21, 15, 19, 23}));
  EXPECT_EQ(values_of(named(all, "1.gate_proj.bias")), (std::vector<float>{4, 6}));
  EXPECT_EQ(values_of(named(all, "0.up_proj.bias")), (std::vector<float>{1, 3}));
  EXPECT_EQ(values_of(named(all, "1.down_proj.weight")), (std::vector<float>{6, 9, 7, 10, 8, 11}));
  EXPECT_EQ(values_of(named(all, "1.down_proj.bias")), (std::vector<float>{3, 4, 5}));
}

TEST(GptOssLayout, BlocksGoWithTheirScales) {
  Stacks s;
  s.add("down_proj_blocks", DType::kU8, {2, 3, 2, 16});
  s.add("down_proj_scales", DType::kU8, {2, 3, 2});
  s.add("gate_up_proj_blocks", DType::kU8, {2, 4, 1, 16});
  s.add("gate_up_proj_scales", DType::kU8, {2, 4, 1});
  const auto all = s.cut();
  ASSERT_EQ(all.size(), 6U);
  const TensorView& down = named(all, "1.down_proj.weight");
  EXPECT_EQ(down.shape(), (Shape{3, 64}));
  EXPECT_EQ(down.stored_type(), "MXFP4");
  EXPECT_EQ(down.dtype(), DType::kBf16);
  EXPECT_EQ(down.bits_per_element(), 4.25);
  const TensorView& up = named(all, "0.up_proj.weight");
  EXPECT_EQ(up.shape(), (Shape{2, 32}));
  // Its first row is the second of the expert's blocks: byte 16 is 119 + 3 (the codes 10 and 7), scale 120.
  EXPECT_EQ(values_of(up)[0], -1.0F / 128.0F);
  EXPECT_EQ(values_of(up)[1], 6.0F / 128.0F);
}

TEST(GptOssLayout, RefusesByNameWhatIsNoStack) {
  const auto refuses = [](std::initializer_list<std::tuple<const char*, DType, Shape>> tensors,
                          std::initializer_list<std::string_view> parts) {
    Stacks s;
    for (const auto& [name, dtype, shape] : tensors) s.add(name, dtype, shape);
    expect_error(ErrorCode::kCorruptFile, parts, [&] { s.cut(); });
  };
  const DType f32 = DType::kF32;
  const DType u8 = DType::kU8;
  refuses({{"gate_up_proj", f32, {2, 4}}}, {"X", "experts.gate_up_proj is F32 [2, 4]", "[experts, inputs"});
  refuses({{"gate_up_proj", f32, {2, 3, 5}}}, {"experts.gate_up_proj", "[2, 3, 5]"});
  refuses({{"down_proj", f32, {3, 2, 2}}}, {"[3, 2, 2]", "num_local_experts 2"});
  refuses({{"gate_up_proj_bias", f32, {2, 3}}}, {"gate_up_proj_bias", "biases"});
  refuses({{"down_proj_blocks", u8, {2, 3, 2, 16}}}, {"down_proj_blocks", "without", "down_proj_scales"});
  refuses({{"down_proj_scales", u8, {2, 3, 2}}}, {"down_proj_scales", "without", "down_proj_blocks"});
  refuses({{"down_proj_blocks", u8, {2, 3, 2, 8}}, {"down_proj_scales", u8, {2, 3, 2}}},
          {"down_proj_blocks is U8 [2, 3, 2, 8]", "inputs / 32, 16"});
  refuses({{"down_proj_blocks", f32, {2, 3, 2, 16}}, {"down_proj_scales", u8, {2, 3, 2}}}, {"is F32"});
  refuses({{"down_proj_blocks", u8, {2, 3, 2, 16}}, {"down_proj_scales", u8, {2, 3, 1}}},
          {"down_proj_scales is U8 [2, 3, 1]", "U8 [2, 3, 2]"});
  refuses({{"down_proj", f32, {2, 64, 3}},
           {"down_proj_blocks", u8, {2, 3, 2, 16}},
           {"down_proj_scales", u8, {2, 3, 2}}},
          {"both", "down_proj_blocks"});
}

TEST(GptOssLayout, PlacesOfTheExpertsTensors) {
  const auto up = gpt_oss_place("model.layers.3.mlp.experts.12.up_proj.weight");
  ASSERT_TRUE(up);
  EXPECT_EQ(up->stack, "model.layers.3.mlp.experts.gate_up_proj");
  EXPECT_EQ(up->expert, 12);
  EXPECT_EQ(up->part, ExpertPlace::Part::kUp);
  EXPECT_EQ(up->parts(), 2);
  const auto down = gpt_oss_place("model.layers.3.mlp.experts.0.down_proj.bias");
  ASSERT_TRUE(down);
  EXPECT_EQ(down->stack, "model.layers.3.mlp.experts.down_proj_bias");
  EXPECT_TRUE(down->bias);
  for (const char* name :
       {"model.layers.3.mlp.router.weight", "model.layers.3.mlp.experts.gate_up_proj",
        "model.layers.3.mlp.experts.x.up_proj.weight", "model.layers.3.mlp.experts.1.up_proj.weight.codes",
        "model.layers.3.mlp.experts.1.other.weight"}) {
    EXPECT_FALSE(gpt_oss_place(name)) << name;
  }
}

}  // namespace
}  // namespace lq
