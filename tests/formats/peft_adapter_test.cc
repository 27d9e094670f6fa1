#include "formats/peft_adapter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

const char* const kConfig = R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q"]})";

// Writes an adapter folder by hand from (name without prefix, dtype, shape).
void put_adapter(const std::filesystem::path& dir, const std::vector<TensorSpec>& specs,
                 const std::string& config = kConfig, const std::string& prefix = "base_model.model.") {
  put_file(dir / "adapter_config.json", config);
  std::vector<TensorSpec> named = specs;
  for (TensorSpec& spec : named) spec.name = prefix + spec.name;
  SafetensorsWriter writer(dir / "adapter_model.safetensors", named);
  for (const TensorSpec& spec : named) writer.write(spec.name, Tensor::zeros(spec.dtype, spec.shape));
  writer.finish();
}

TEST(PeftAdapter, ReadsReplacedModulesAndHalfPrecision) {
  const TempDir dir;
  put_adapter(dir.path(), {{"q.lora_A.weight", DType::kBf16, {2, 3}},
                           {"q.lora_B.weight", DType::kF16, {4, 2}},
                           {"score.weight", DType::kF32, {6, 3}}});
  const PeftAdapterReader reader(dir.path());
  ASSERT_EQ(reader.pairs().size(), 1U);
  ASSERT_EQ(reader.replaced().size(), 1U);
  EXPECT_EQ(reader.replaced()[0].name(), "score.weight");
  EXPECT_EQ(reader.base_hash(), std::nullopt);
  EXPECT_NO_THROW(reader.check_base("any"));
}

// Patterns and targets are of the names that PEFT has; modules have those of the language model alone.
TEST(PeftAdapter, ReadsALanguageModelWithinAModelWithImages) {
  for (const std::string body : {"model.language_model.", "language_model.model."}) {
    const TempDir dir;
    put_adapter(dir.path(),
                {{body + "layers.0.q.lora_A.weight", DType::kF32, {1, 3}},
                 {body + "layers.0.q.lora_B.weight", DType::kF32, {4, 1}},
                 {body + "norm.weight", DType::kF32, {3}},
                 {"lm_head.weight", DType::kF32, {6, 3}}},
                R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": [")" + body +
                    R"(layers.0.q"], "rank_pattern": {")" + body + R"(layers.0.q": 1},
                    "modules_to_save": ["lm_head", ")" +
                    body + R"(norm"]})");
    const PeftAdapterReader reader(dir.path());
    ASSERT_EQ(reader.pairs().size(), 1U);
    EXPECT_EQ(reader.pairs()[0].module, "model.layers.0.q");
    EXPECT_EQ(reader.pairs()[0].scaling, 4.0);
    ASSERT_EQ(reader.replaced().size(), 2U);
    EXPECT_EQ(reader.replaced()[0].name(), "model.norm.weight");
    EXPECT_EQ(reader.replaced()[1].name(), "lm_head.weight");
    EXPECT_FALSE(reader.in_place("model.norm.weight"));
  }
}

// As torch.save of a state dict names them, and of a model in a wrapper.
TEST(PeftAdapter, ReadsNamesOfAStateDict) {
  struct Case {
    const char* a;
    const char* b;
    const char* whole;
  };
  const Case cases[] = {
      {"q.lora_A.weight", "q.lora_B.weight", "score.weight"},
      {"q.lora_A.default.weight", "q.lora_B.default.weight", "score.modules_to_save.default.weight"},
      {"_orig_mod.q.lora_A.weight", "_orig_mod.q.lora_B.weight", "_orig_mod.score.weight"},
  };
  for (const Case& c : cases) {
    const TempDir dir;
    put_adapter(dir.path(),
                {{c.a, DType::kF32, {2, 3}}, {c.b, DType::kF64, {4, 2}}, {c.whole, DType::kF32, {6, 3}}});
    const PeftAdapterReader reader(dir.path());
    ASSERT_EQ(reader.pairs().size(), 1U) << c.a;
    EXPECT_EQ(reader.pairs()[0].module, "q");
    ASSERT_EQ(reader.replaced().size(), 1U) << c.whole;
    EXPECT_EQ(reader.replaced()[0].name(), "score.weight");
  }
}

// With `bias` "all" PEFT writes the biases of what it saves whole three times over.
TEST(PeftAdapter, BiasesThatAreThereMoreThanOnceAreReadOnce) {
  const DType f = DType::kF32;
  const TempDir dir;
  put_adapter(dir.path(), {{"q.lora_A.weight", f, {2, 3}},
                           {"q.lora_B.weight", f, {4, 2}},
                           {"score.weight", f, {6, 3}},
                           {"score.bias", f, {6}},
                           {"score.modules_to_save.bias", f, {6}},
                           {"score.original_module.bias", f, {6}},
                           {"classifier.dense.bias", f, {3}},
                           {"classifier.modules_to_save.default.dense.bias", f, {3}},
                           {"classifier.original_module.dense.bias", f, {3}}});
  const PeftAdapterReader reader(dir.path());
  std::vector<std::string> names;
  for (const TensorView& view : reader.replaced()) names.push_back(view.name());
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"classifier.dense.bias", "score.bias", "score.weight"}));
}

TEST(PeftAdapter, TakesOtherNames) {
  const DType f = DType::kF32;
  const TempDir dir;
  put_adapter(dir.path(), {{"q.lora_A.weight", f, {2, 3}},
                           {"q.lora_B.weight", f, {4, 2}},
                           {"idle.bias", f, {6}},
                           {"a.bias", f, {6}},
                           {"b.bias", f, {5}}});
  PeftAdapterReader reader(dir.path());
  reader.rename([](const std::string& name) { return name == "idle.bias" ? "" : "body." + name; });
  EXPECT_NE(reader.find("body.q"), nullptr);
  ASSERT_EQ(reader.replaced().size(), 2U);
  EXPECT_EQ(reader.replaced()[0].name(), "body.a.bias");
  expect_error(ErrorCode::kUnsupported, {"another tensor are both x, with different values"},
               [&] { reader.rename([](const std::string&) { return std::string("x"); }); });
}

TEST(PeftAdapter, ReadsMagnitudesEmbeddingsAndBaseLayers) {
  const DType f = DType::kF32;
  constexpr const char* kDora =
      R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q", "e"], "use_dora": true})";
  for (const bool state_dict : {false, true}) {
    const std::string own = state_dict ? ".mine" : "";
    const TempDir dir;
    put_adapter(dir.path(),
                {{"q.lora_A" + own + ".weight", f, {2, 3}},
                 {"q.lora_B" + own + ".weight", f, {4, 2}},
                 {"q.lora_magnitude_vector" + own + (state_dict ? ".weight" : ""), f, {4}},
                 {"q.base_layer.bias", f, {4}},
                 {"e.lora_embedding_A" + own, f, {2, 9}},
                 {"e.lora_embedding_B" + own, f, {3, 2}},
                 {"e.lora_magnitude_vector" + own + (state_dict ? ".weight" : ""), f, {3}},
                 {"e.base_layer.weight", f, {9, 3}}},
                kDora);
    const PeftAdapterReader reader(dir.path());
    ASSERT_EQ(reader.pairs().size(), 1U);
    ASSERT_TRUE(reader.pairs()[0].magnitude);
    EXPECT_EQ(reader.pairs()[0].magnitude->numel(), 4);
    ASSERT_NE(reader.embedding(), nullptr);
    EXPECT_EQ(reader.embedding()->module, "e");
    EXPECT_EQ(reader.embedding()->in, 9);
    EXPECT_EQ(reader.embedding()->out, 3);
    EXPECT_EQ(reader.embedding()->scaling, 2.0);
    EXPECT_EQ(reader.replaced().size(), 2U);
    EXPECT_TRUE(reader.in_place("e.weight") && reader.in_place("q.bias"));
  }
}

TEST(PeftAdapter, ModulesThatItSavesAreInTheFile) {
  const DType f = DType::kF32;
  const std::vector<TensorSpec> specs = {
      {"q.lora_A.weight", f, {2, 3}}, {"q.lora_B.weight", f, {4, 2}}, {"embed_tokens.weight", f, {9, 3}}};
  const auto config = [](const std::string& more) {
    return R"({"peft_type": "LORA", "r": 2, "target_modules": ["q"], "modules_to_save": )" + more + "}";
  };
  const std::vector<std::string> base = {"q.weight", "embed_tokens.weight", "lm_head.weight"};
  const TempDir dir;
  put_adapter(dir.path(), specs, config(R"(["embed_tokens", "lm_head"])"));
  expect_error(ErrorCode::kCorruptFile, {"lm_head.weight is not in the file"},
               [&] { PeftAdapterReader(dir.path()).check_saved(base, "", ""); });
  put_adapter(dir.path(), specs, config(R"(["embed_tokens"])"));
  const PeftAdapterReader copy(dir.path());
  EXPECT_NO_THROW(copy.check_saved(base, base[1], base[2]));
  EXPECT_FALSE(copy.in_place("embed_tokens.weight"));
  put_adapter(dir.path(), specs, config(R"(["embed_tokens", "lm_head"], "ensure_weight_tying": true)"));
  const PeftAdapterReader one(dir.path());
  EXPECT_NO_THROW(one.check_saved(base, base[1], base[2]));
  EXPECT_TRUE(one.in_place("embed_tokens.weight"));
}

TEST(PeftAdapter, RefusesHostileInput) {
  const DType f = DType::kF32;
  const TensorSpec a{"q.lora_A.weight", f, {2, 3}};
  const TensorSpec b{"q.lora_B.weight", f, {4, 2}};
  struct Case {
    std::vector<TensorSpec> specs;
    ErrorCode code;
    std::vector<std::string> parts;
  };
  const Case cases[] = {
      {{a}, ErrorCode::kCorruptFile, {"q: lora_B is missing"}},
      {{b}, ErrorCode::kCorruptFile, {"q: lora_A is missing"}},
      {{a, {"q.lora_B.weight", f, {4, 3}}}, ErrorCode::kCorruptFile, {"q", "do not multiply"}},
      {{{"q.lora_A.weight", f, {3, 3}}, {"q.lora_B.weight", f, {4, 3}}},
       ErrorCode::kCorruptFile,
       {"q: rank 3", "says 2"}},
      {{{"q.lora_A.weight", f, {0, 3}}, {"q.lora_B.weight", f, {4, 0}}},
       ErrorCode::kCorruptFile,
       {"multiply"}},
      {{a, {"q.lora_B.weight", f, {4, 2, 1, 1}}}, ErrorCode::kUnsupported, {"two dimensions"}},
      {{a, {"q.lora_B.weight", DType::kI8, {4, 2}}}, ErrorCode::kUnsupported, {"I8"}},
      {{a, b, {"q.lora_magnitude_vector", f, {4}}}, ErrorCode::kCorruptFile, {"q: 'use_dora'", "is false"}},
      {{a, b, {"e.lora_embedding_A", f, {2, 9}}}, ErrorCode::kCorruptFile, {"e: lora_B is missing"}},
      {{a, b, {"q.lora_gain", f, {4}}}, ErrorCode::kUnsupported, {"q.lora_gain"}},
      {{a, b, {"q.weight", f, {4, 3}}}, ErrorCode::kUnsupported, {"q.weight", "not under base_layer"}},
      {{a, b, {"p.base_layer.weight", f, {4, 3}}}, ErrorCode::kUnsupported, {"p.weight", "no low-rank part"}},
      {{a, b, {".lora_A.weight", f, {2, 9}}}, ErrorCode::kUnsupported, {".lora_A.weight"}},
  };
  for (const Case& c : cases) {
    const TempDir dir;
    put_adapter(dir.path(), c.specs);
    for (const std::string& part : c.parts) {
      expect_error(c.code, {"adapter_model.safetensors", part}, [&] { PeftAdapterReader r(dir.path()); });
    }
  }
  const TempDir dir;
  put_adapter(dir.path(), {a, b}, kConfig, "model.");
  expect_error(ErrorCode::kCorruptFile, {"model.q.lora_A.weight", "base_model.model."},
               [&] { PeftAdapterReader r(dir.path()); });
  std::filesystem::remove(dir / "adapter_model.safetensors");
  expect_error(ErrorCode::kNotFound, {"adapter_model.safetensors"}, [&] { PeftAdapterReader r(dir.path()); });
  put_file(dir / "adapter_model.bin", "x");
  expect_error(ErrorCode::kUnsupported, {"pickled"}, [&] { PeftAdapterReader r(dir.path()); });
  std::filesystem::remove(dir / "adapter_config.json");
  expect_error(ErrorCode::kNotFound, {"adapter_config.json"}, [&] { PeftAdapterReader r(dir.path()); });
}

TEST(PeftAdapter, ReadsAdaptersTrainedElsewhere) {
  const auto tiny = io_test::shared_data("adapters/tinyllama_r4_qv_a");
  const auto gpt2 = io_test::shared_data("adapters/gpt2_r8_cattn_seqcls");
  if (tiny.empty() || gpt2.empty()) GTEST_SKIP() << "shared/data/adapters is not beside this checkout";
  const PeftAdapterReader t(tiny);
  EXPECT_EQ(t.pairs().size(), 44U);  // q and v of 22 layers
  for (const LoraPair& pair : t.pairs()) {
    EXPECT_TRUE(t.config().targets(pair.module)) << pair.module;
    EXPECT_EQ(pair.rank, 4);
    EXPECT_EQ(pair.in, 2048);
    EXPECT_EQ(pair.out, pair.module.ends_with("q_proj") ? 2048 : 256);
    EXPECT_EQ(pair.scaling, 4.0);
  }
  EXPECT_TRUE(t.replaced().empty());
  const PeftAdapterReader g(gpt2);
  EXPECT_EQ(g.pairs().size(), 12U);
  EXPECT_TRUE(g.config().fan_in_fan_out);
  EXPECT_EQ(g.find("transformer.h.11.attn.c_attn")->out, 2304);
  EXPECT_EQ(g.find("transformer.h.11.attn.c_attn")->scaling, 1.0);
  ASSERT_EQ(g.replaced().size(), 1U);
  EXPECT_EQ(g.replaced()[0].name(), "score.weight");
}

}  // namespace
}  // namespace lq
