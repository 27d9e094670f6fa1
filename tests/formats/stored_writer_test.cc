#include "formats/stored_writer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "formats/checkpoint_reader.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::TempDir;

const JsonObject kWriterConfig = JsonObject::parse(R"({"model_type": "gpt_oss"})", "config.json");

std::string expert_name(std::int64_t e, const char* rest) {
  return "model.layers.0.mlp.experts." + std::to_string(e) + "." + rest;
}

// What the golden's file holds comes out again, byte for byte, whatever the order.
TEST(StoredWriter, AModelsFileIsWrittenAsItWasRead) {
  const std::filesystem::path golden = std::filesystem::path(lq::test::source_dir()) / "tests/goldens";
  for (const char* name : {"gpt_oss", "gpt2", "llama"}) {
    const TempDir dir;
    const JsonObject config = JsonObject::load(golden / name / "config.json");
    const CheckpointReader raw(golden / name);
    const CheckpointReader own(golden / name, {.normalized = true, .blocks = {}, .config = &config});
    std::vector<TensorSpec> specs;
    for (const TensorView& v : own.tensors()) specs.push_back(v.spec);
    StoredWriter writer(dir.path(), config, specs, {.max_shard_bytes = 20000});
    for (std::size_t i = own.tensors().size(); i-- > 0;) {
      const TensorView& v = own.tensors()[i];
      if (i % 2 == 0) {
        writer.write(v.name(), v.values());
      } else {
        writer.write_f32(v.name(), v.copy_f32());
      }
    }
    EXPECT_GT(writer.finish().size(), 1U);
    const CheckpointReader again(dir.path());
    for (const TensorView& v : raw.tensors()) {
      const TensorView* const back = again.find(v.name());
      if (back == nullptr && std::string_view(name) == "gpt2") continue;  // buffers of its mask
      ASSERT_NE(back, nullptr) << v.name();
      EXPECT_EQ(back->shape(), v.shape()) << v.name();
      ASSERT_EQ(back->bytes, v.bytes) << v.name();
      EXPECT_EQ(std::memcmp(back->data, v.data, v.bytes), 0) << v.name();
    }
  }
}

TEST(StoredWriter, RefusesAStackWithGapsOrOfTwoKinds) {
  const TempDir dir;
  const auto refuses = [&](const std::vector<TensorSpec>& specs, std::string_view part) {
    expect_error(ErrorCode::kMismatch, {"config.json", part},
                 [&] { StoredWriter(dir.path(), kWriterConfig, specs); });
  };
  const TensorSpec first = {expert_name(0, "down_proj.weight"), DType::kF32, {2, 3}};
  refuses({first, {expert_name(2, "down_proj.weight"), DType::kF32, {2, 3}}}, "only 2 of 3");
  refuses({first, {expert_name(1, "down_proj.weight"), DType::kF32, {2, 4}}}, "experts.1.down_proj.weight");
  refuses({first, {expert_name(1, "down_proj.weight"), DType::kBf16, {2, 3}}}, "BF16");
  refuses({{expert_name(0, "up_proj.bias"), DType::kF32, {2}}}, "only 1 of 2");
}

TEST(StoredWriter, RefusesAnotherTensorThanWasAnnounced) {
  const TempDir dir;
  StoredWriter writer(dir.path(), kWriterConfig, {{expert_name(0, "down_proj.weight"), DType::kF32, {2, 3}}});
  expect_error(ErrorCode::kInvalidArgument, {"down_proj.weight", "[3, 2]", "[2, 3]"}, [&] {
    writer.write(expert_name(0, "down_proj.weight"), Tensor::zeros(DType::kF32, {3, 2}));
  });
}

}  // namespace
}  // namespace lq
