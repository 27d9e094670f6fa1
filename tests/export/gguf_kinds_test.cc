// Every kind that is read is also written: a file of tests/goldens/gguf, whose logits transformers computes,
// becomes a Hugging Face directory, this one a GGUF file again, and the logits stay.
#include "export/gguf_kinds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "export/gguf_architecture.h"
#include "export/gguf_export.h"
#include "export/gguf_model.h"
#include "export/hf_export.h"
#include "formats/config_file.h"
#include "formats/gguf/gguf_checkpoint.h"
#include "formats/safetensors_reader.h"
#include "models/golden_numbers.h"
#include "models/model.h"
#include "tokenizers/tokenizer.h"

namespace lq {
namespace {

const std::filesystem::path kKindGoldens = golden::folder() / "gguf";

class GgufKindsTest : public testing::TestWithParam<const char*> {
 protected:
  // The largest difference from the golden logits, over the largest of them.
  double error_of(const std::filesystem::path& model_path) {
    const SafetensorsReader golden(kKindGoldens / GetParam() / "golden.safetensors");
    const TensorView& tokens = golden.at("input_ids");
    const std::vector<std::int32_t> ids = golden::ints_of(tokens);
    std::vector<std::int64_t> starts;
    for (std::int64_t b = 0; b <= tokens.shape()[0]; ++b) starts.push_back(b * tokens.shape()[1]);
    const Model model = Model::load(context_, model_path);
    Workspace ws;
    const std::vector<std::int32_t> targets(ids.size(), 0);
    std::vector<float> losses(ids.size());
    std::vector<float> logits;
    model.losses(context_, ws, {ids, starts}, targets, losses, [&](std::int64_t, ConstMatrix chunk) {
      logits.insert(logits.end(), chunk.data, chunk.data + chunk.size());
    });
    return golden::relative_difference(logits, golden::floats_of(golden.at("logits")));
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
};

TEST_P(GgufKindsTest, ComesBackAsItWas) {
  const std::filesystem::path first = kKindGoldens / GetParam() / "model.gguf";
  HfExportOptions to_hf;
  to_hf.model = first;
  to_hf.out = dir_ / "hf";
  export_hf(context_, to_hf);
  EXPECT_LT(error_of(dir_ / "hf"), 1e-5) << "the directory";
  put_tiny_tokenizer(dir_ / "hf");
  const GgufExportReport report = export_gguf(
      context_, {.model = dir_ / "hf", .types = {ggml::GgmlType::kF32, {}}, .out = dir_ / "m.gguf"});
  EXPECT_LT(error_of(dir_ / "m.gguf"), 1e-5) << "the file";
  EXPECT_LT(report.rounding_error, 1e-6);

  const GgufFile was(first);
  const GgufFile is(dir_ / "m.gguf");
  EXPECT_EQ(static_cast<std::size_t>(report.tensors), is.tensors().size());
  std::map<std::string, Shape> shapes;
  for (const auto& t : was.tensors()) shapes[t.entry->name] = t.entry->shape;
  for (const auto& t : is.tensors()) {
    EXPECT_EQ(shapes[t.entry->name], t.entry->shape) << t.entry->name;
    shapes.erase(t.entry->name);
  }
  EXPECT_TRUE(shapes.empty()) << shapes.begin()->first;
  EXPECT_EQ(GgufMetadata(is.values(), "is").text("general.architecture"),
            GgufMetadata(was.values(), "was").text("general.architecture"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, GgufKindsTest,
                         testing::Values("llama_rope_llama3", "gemma2", "gemma3", "phi3", "phi3_long",
                                         "olmo2", "granite", "smollm3", "mixtral", "qwen3_moe", "gpt2"));

// A sentence encoder: no logits, but hidden states.
TEST(GgufWrittenKinds, AnEncoderComesBackAsItWas) {
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const io_test::TempDir dir;
  const std::filesystem::path from = kKindGoldens.parent_path() / "bert_bare";
  std::filesystem::create_directories(dir / "hf" / "1_Pooling");
  for (const char* file : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(from / file, dir / "hf" / file);
  }
  io_test::put_file(dir / "hf" / "tokenizer.json", R"({
    "added_tokens": [{"id": 0, "content": "[PAD]", "special": true}, {"id": 1, "content": "[UNK]", "special": true},
                     {"id": 2, "content": "[CLS]", "special": true}, {"id": 3, "content": "[SEP]", "special": true}],
    "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                   "strip_accents": null, "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100,
              "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4, "##a": 5, "b": 6}}})");
  io_test::put_file(dir / "hf" / "modules.json",
                    R"([{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}])");
  io_test::put_file(dir / "hf" / "1_Pooling" / "config.json", R"({"pooling_mode_mean_tokens": true})");
  const GgufExportReport report =
      export_gguf(context, {.model = dir / "hf", .types = {ggml::GgmlType::kF32, {}}, .out = dir / "m.gguf"});
  EXPECT_EQ(report.tensors, 5 + 2 * 16);

  const SafetensorsReader golden(from / "golden.safetensors");
  const auto ids = golden::ints_of(golden.at("input_ids"));
  const auto types = golden::ints_of(golden.at("token_types"));
  std::vector<std::int64_t> starts;
  for (const std::int32_t start : golden::ints_of(golden.at("starts"))) starts.push_back(start);
  const auto hidden = [&](const std::filesystem::path& path) {
    const Model model = Model::load(context, path);
    std::vector<float> x(ids.size() * static_cast<std::size_t>(model.spec().hidden));
    Workspace ws;
    model.forward_hidden(context, ws, {ids, starts, types}, {x.data(), std::ssize(ids), model.spec().hidden});
    return x;
  };
  EXPECT_EQ(hidden(dir / "m.gguf"), hidden(from));
  const GgufFile file(dir / "m.gguf");
  const GgufMetadata keys(file.values(), "m");
  EXPECT_EQ(keys.integer("bert.pooling_type", 0, 9), 1);
  EXPECT_EQ(keys.integer("tokenizer.ggml.token_type_count", 0, 9), 2);
  EXPECT_FALSE(keys.boolean_or("bert.attention.causal", true));
  EXPECT_EQ(keys.texts("tokenizer.ggml.tokens")[5], "a");
  EXPECT_EQ(keys.texts("tokenizer.ggml.tokens")[6],
            "\u2581"
            "b");

  HfExportOptions to_hf;
  to_hf.model = dir / "m.gguf";
  to_hf.out = dir / "again";
  export_hf(context, to_hf);
  EXPECT_EQ(hidden(dir / "again"), hidden(from));
  const auto tokenizer = Tokenizer::load(Folder(dir / "again"));
  EXPECT_EQ(tokenizer->encode("Baa b c", true), Tokenizer::load(Folder(dir / "hf"))->encode("Baa b c", true));
}

void expect_unwritten(const char* golden, const nlohmann::ordered_json& change,
                      std::initializer_list<std::string_view> words) {
  JsonObject config = load_config(kKindGoldens.parent_path() / golden);
  config.json().update(change);
  io_test::expect_error(ErrorCode::kUnsupported, words, [&] { GgufArchitecture(config, "model"); });
}

// The goldens of tests/models have what llama.cpp's kinds have not.
TEST(GgufWrittenKinds, WhatIsComputedOtherwiseIsRefused) {
  expect_unwritten("gemma2", nlohmann::ordered_json::object(),
                   {"layer 0", "gemma2"});  // another scale of the queries
  expect_unwritten("gemma2", {{"query_pre_attn_scalar", 8}, {"final_logit_softcapping", nullptr}},
                   {"caps", "gemma2"});
  expect_unwritten("gemma3", nlohmann::ordered_json::object(), {"layer 0", "gemma3"});
  expect_unwritten("smollm3", nlohmann::ordered_json::object(), {"layer 0", "smollm3"});
  expect_unwritten("smollm3",
                   {{"mlp_bias", false},
                    {"use_sliding_window", false},
                    {"sliding_window", nullptr},
                    {"layer_types", nullptr}},
                   {"layer 1", "smollm3"});  // another layer that does not turn
  expect_unwritten("mixtral", nlohmann::ordered_json::object(), {"layer 0", "llama"});
  expect_unwritten("qwen3_moe", nlohmann::ordered_json::object(), {"qwen3moe"});
  expect_unwritten("gpt2", nlohmann::ordered_json::object(), {"layer 1", "gpt2"});
  expect_unwritten("olmo2", {{"tie_word_embeddings", true}}, {"tie_word_embeddings is true", "olmo2"});
  expect_unwritten("olmo2", {{"attention_bias", true}}, {"layer 0", "olmo2"});
  expect_unwritten("bert_masked", nlohmann::ordered_json::object(), {"has a head", "bert"});
  expect_unwritten("bert_bare", {{"hidden_act", "gelu_new"}}, {"layer 0", "bert"});
  expect_unwritten("roberta_masked", nlohmann::ordered_json::object(), {"roberta", "gemma3_text"});
}

TEST(GgufWrittenKinds, AKindIsNamedOnceForEachFamily) {
  std::set<std::string_view> families;
  for (const GgufWrittenKind& kind : gguf_written_kinds()) {
    EXPECT_TRUE(families.insert(kind.model_type).second) << kind.model_type;
    EXPECT_NE(kind.computed, nullptr);
    EXPECT_NE(std::ranges::find(kind.ropes, RopeType::kDefault), kind.ropes.end()) << kind.model_type;
  }
}

}  // namespace
}  // namespace lq
