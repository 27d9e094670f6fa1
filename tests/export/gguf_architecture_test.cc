#include "export/gguf_architecture.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "formats/config_file.h"
#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_metadata.h"
#include "quant/ggml/dequantize.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

const std::filesystem::path kGoldenModels = std::filesystem::path(test::source_dir()) / "tests" / "goldens";

// Goldens have windows, which these kinds of llama.cpp's have not.
JsonObject without_windows(const std::string& golden) {
  JsonObject config = load_config(kGoldenModels / golden);
  config.json()["use_sliding_window"] = false;
  config.json()["sliding_window"] = nullptr;
  return config;
}

// The keys of the file that llama.cpp's own converter would make, as far as this program reads them.
TEST(GgufArchitecture, KeysAndTensorsAreThoseOfTheGoldenFiles) {
  for (const char* name : {"llama", "llama_rope_llama3", "qwen2", "qwen3"}) {
    const GgufArchitecture model(without_windows(name), name);
    const GgufFile golden(kGoldenModels / "gguf" / name / "model.gguf");
    const GgufMetadata want(golden.values(), "golden");
    GgufKeys keys;
    model.add_keys(keys);
    GgufHeader layout;
    const std::string bytes = make_gguf_header(keys, {}, layout);
    const GgufHeader header =
        parse_gguf(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), "new");
    const GgufMetadata have(header.values, "new");
    EXPECT_EQ(model.kind(), want.text("general.architecture"));
    const std::string base = std::string(model.kind()) + ".";
    for (const char* key : {"context_length", "embedding_length", "block_count", "feed_forward_length",
                            "attention.head_count", "attention.head_count_kv"}) {
      EXPECT_EQ(have.integer(base + key, 0, 1 << 30), want.integer(base + key, 0, 1 << 30))
          << name << " " << key;
    }
    for (const char* key : {"attention.layer_norm_rms_epsilon", "rope.freq_base"}) {
      EXPECT_EQ(have.number(base + key, 0, 1e12), want.number_or(base + key, 10000.0, 0, 1e12))
          << name << key;
    }
    std::set<std::string> tensors;
    for (const GgufModelTensor& t : model.tensors()) tensors.insert(t.name);
    for (const GgufFile::Tensor& t : golden.tensors()) {
      if (t.entry->name == "rope_freqs.weight") {
        std::vector<float> factors(static_cast<std::size_t>(t.entry->shape[0]));
        ggml::dequantize(t.entry->type, t.data, 0, std::ssize(factors), factors.data());
        ASSERT_EQ(model.rope_tables().size(), 1U);
        const std::vector<float> ours = model.rope_tables()[0].values;
        ASSERT_EQ(ours.size(), factors.size());
        for (std::size_t i = 0; i < ours.size(); ++i)
          EXPECT_NEAR(ours[i], factors[i], 1e-5 * factors[i]) << i;
        continue;
      }
      EXPECT_EQ(tensors.erase(t.entry->name), 1U) << name << " " << t.entry->name;
    }
    EXPECT_TRUE(tensors.empty()) << name << " " << *tensors.begin();
  }
}

TEST(GgufArchitecture, QueriesAndKeysOfLlamaAreTurned) {
  const GgufArchitecture llama(load_config(kGoldenModels / "llama"), "llama");
  const std::string q = "model.layers.1.self_attn.q_proj.weight";
  ASSERT_NE(llama.find(q), nullptr);
  EXPECT_EQ(llama.find(q)->name, "blk.1.attn_q.weight");
  EXPECT_EQ(llama.find(q)->head_dim, llama.spec().head_dim());
  EXPECT_EQ(llama.find("model.layers.1.self_attn.v_proj.weight")->head_dim, 0);
  EXPECT_EQ(llama.find("model.layers.99.self_attn.v_proj.weight"), nullptr);
  EXPECT_EQ(GgufArchitecture(without_windows("qwen3"), "qwen3").find(q)->head_dim, 0);
}

TEST(GgufArchitecture, WhatTheKindHasNoKeyForIsRefused) {
  const auto with = [](const char* golden, const nlohmann::ordered_json& change) {
    JsonObject config = without_windows(golden);
    config.json().update(change);
    return GgufArchitecture(config, "model");
  };
  expect_error(ErrorCode::kUnsupported, {"model: layer 0 has something that llama.cpp's kind llama"}, [&] {
    with("mistral", {{"sliding_window", 8}});
  });
  expect_error(ErrorCode::kUnsupported, {"kind qwen3"}, [&] { with("qwen3", {{"attention_bias", true}}); });
  expect_error(ErrorCode::kUnsupported, {"dynamic"}, [&] {
    with("llama", {{"rope_scaling", {{"rope_type", "dynamic"}, {"factor", 2.0}}}});
  });
  expect_error(ErrorCode::kUnsupported, {"kind qwen2 has no factors"}, [&] {
    with("qwen2", {{"rope_scaling",
                    {{"rope_type", "llama3"},
                     {"factor", 8.0},
                     {"low_freq_factor", 1.0},
                     {"high_freq_factor", 4.0},
                     {"original_max_position_embeddings", 32}}}});
  });
  expect_error(ErrorCode::kUnsupported, {"yarn with whole bounds"}, [&] {
    with("llama", {{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 2.0}, {"attention_factor", 2.0}}}});
  });
}

}  // namespace
}  // namespace lq
