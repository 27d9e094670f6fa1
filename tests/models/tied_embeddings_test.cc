#include "models/tied_embeddings.h"

#include <gtest/gtest.h>

#include "formats/safetensors_writer.h"
#include "models/registry.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

struct Part {
  const char* name;
  DType dtype;
  float first;
};

CheckpointReader file_of(const TempDir& dir, const std::vector<Part>& parts) {
  std::vector<TensorSpec> specs;
  for (const Part& part : parts) specs.push_back({part.name, part.dtype, {2, 2}});
  SafetensorsWriter writer(dir / "m.safetensors", specs);
  for (const Part& part : parts) {
    const std::vector<float> values = {part.first, 1.0F, 2.0F, 3.0F};
    writer.write_f32(part.name, values.data());
  }
  writer.finish();
  return CheckpointReader(dir / "m.safetensors");
}

// Transformers multiplies with the decoder's own bias wherever the file has it.
TEST(TiedEmbeddings, AnEncodersHeadMayHaveItsOwnBias) {
  const TensorNames family{.block = "bert.encoder.layer.",
                           .modules = {{Role::kEmbedding, "bert.embeddings.word_embeddings"},
                                       {Role::kHead, "cls.predictions.decoder"},
                                       {Role::kHeadBias, "cls.predictions"}}};
  constexpr DType kF = DType::kF32;
  const TempDir dir;
  const TensorNames one = names_in(file_of(dir, {{"cls.predictions.bias", kF, 0.0F}}), family);
  EXPECT_EQ(one.module(Role::kHeadBias), "cls.predictions");
  EXPECT_EQ(one.own("cls.predictions.decoder.bias"), "cls.predictions.bias");
  const TensorNames both = names_in(
      file_of(dir, {{"cls.predictions.bias", kF, 0.0F}, {"cls.predictions.decoder.bias", kF, 1.0F}}), family);
  EXPECT_EQ(both.module(Role::kHeadBias), "cls.predictions.decoder");
  EXPECT_EQ(both.own("cls.predictions.bias"), "") << "nothing reads it";
  EXPECT_EQ(both.own("cls.predictions.decoder.bias"), "cls.predictions.decoder.bias");
}

// What transformers 5 makes of such files.
TEST(TiedEmbeddings, AreDecidedByConfigAndFile) {
  constexpr const char* kTable = "model.embed_tokens.weight";
  constexpr const char* kHead = "lm_head.weight";
  constexpr DType kF = DType::kF32;
  struct Case {
    const char* what;
    std::vector<Part> parts;
    bool config_tied, shared;
    const char* read_from;  // null: neither
  };
  const Case cases[] = {
      {"tied, as saved", {{kTable, kF, 1}}, true, true, kTable},
      {"tied, both the same", {{kTable, kF, 1}, {kHead, kF, 1}}, true, true, kTable},
      {"tied, but the head was changed", {{kTable, kF, 1}, {kHead, kF, 2}}, true, false, kTable},
      {"tied, of two types", {{kTable, kF, 1}, {kHead, DType::kBf16, 1}}, true, false, kTable},
      {"tied, the head alone", {{kHead, kF, 1}}, true, true, kHead},
      {"not tied", {{kTable, kF, 1}, {kHead, kF, 1}}, false, false, kTable},
      {"not tied, without a table", {{kHead, kF, 1}}, false, false, nullptr},
  };
  const TensorNames names =
      model_family(JsonObject::parse(R"({"architectures": ["LlamaForCausalLM"]})", "c")).names;
  for (const Case& c : cases) {
    const TempDir dir;
    const CheckpointReader reader = file_of(dir, c.parts);
    EXPECT_EQ(shares_embeddings(reader, names, c.config_tied), c.shared) << c.what;
    if (c.read_from == nullptr) {
      EXPECT_THROW(embedding_tensor(reader, names, c.config_tied), Error) << c.what;
    } else {
      EXPECT_EQ(embedding_tensor(reader, names, c.config_tied).name(), c.read_from) << c.what;
    }
  }
}

}  // namespace
}  // namespace lq
