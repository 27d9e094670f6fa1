#include "formats/gguf/gguf_pooling.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Texts = std::map<std::string, std::string>;

// The keys as they are read again.
struct PoolingKeys {
  explicit PoolingKeys(const GgufKeys& keys)
      : bytes(make_gguf_header(keys, {}, layout)),
        header(parse_gguf(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), "[gguf] f")),
        keys(header.values, "[gguf] f") {}
  GgufHeader layout;
  std::string bytes;
  GgufHeader header;
  GgufMetadata keys;
};

GgufKeys pooled(std::uint32_t number) {
  GgufKeys keys;
  keys.u32("bert.embedding_length", 16);
  keys.u32("bert.pooling_type", number);
  return keys;
}

Folder with_layer(const std::string& layer) {
  return {"model", Texts{{"modules.json", R"([{"path": "", "type": "x.Transformer"},
                                              {"path": "pool", "type": "x.Pooling"}])"},
                         {"pool/config.json", layer}}};
}

TEST(GgufPooling, EveryWayComesBack) {
  for (const std::uint32_t number : {1U, 2U, 3U}) {
    const PoolingKeys first(pooled(number));
    const Texts texts = gguf_pooling_texts(first.keys, "bert");
    ASSERT_TRUE(texts.contains("1_Pooling/config.json"));
    EXPECT_EQ(nlohmann::json::parse(texts.at("1_Pooling/config.json"))["word_embedding_dimension"], 16);
    GgufKeys again;
    add_gguf_pooling(Folder("model", texts), "bert", again);
    EXPECT_EQ(PoolingKeys(again).keys.integer("bert.pooling_type", 0, 9), number);
  }
}

TEST(GgufPooling, WhatDoesNotPoolSaysNothing) {
  EXPECT_TRUE(gguf_pooling_texts(PoolingKeys(pooled(0)).keys, "bert").empty());
  EXPECT_TRUE(gguf_pooling_texts(PoolingKeys(GgufKeys()).keys, "llama").empty());
  GgufKeys keys;
  add_gguf_pooling(Folder("model", Texts()), "bert", keys);
  add_gguf_pooling(Folder("model", Texts{{"modules.json", R"([{"path": "", "type": "x.Transformer"}])"}}),
                   "bert", keys);
  EXPECT_EQ(keys.count(), 0U);
}

TEST(GgufPooling, NewerFilesNameTheWay) {
  GgufKeys keys;
  add_gguf_pooling(with_layer(R"({"pooling_mode": "cls"})"), "bert", keys);
  EXPECT_EQ(PoolingKeys(keys).keys.integer("bert.pooling_type", 0, 9), 2);
}

TEST(GgufPooling, OtherWaysAreRefused) {
  GgufKeys keys;
  expect_error(ErrorCode::kCorruptFile, {"modules.json", "no list"}, [&] {
    add_gguf_pooling(Folder("model", Texts{{"modules.json", "3"}}), "bert", keys);
  });
  add_gguf_pooling(Folder("model", Texts{{"modules.json", R"([3, {"type": 4}])"}}), "bert", keys);
  EXPECT_EQ(keys.count(), 0U);
  expect_error(ErrorCode::kUnsupported, {"pool/config.json", "the mean"},
               [&] { add_gguf_pooling(with_layer(R"({"pooling_mode_max_tokens": true})"), "bert", keys); });
  expect_error(ErrorCode::kCorruptFile, {"pool/config.json"},
               [&] { add_gguf_pooling(with_layer("{"), "bert", keys); });
  expect_error(ErrorCode::kCorruptFile, {"modules.json", "../x"}, [&] {
    add_gguf_pooling(Folder("model", Texts{{"modules.json", R"([{"path": "../x", "type": "Pooling"}])"}}),
                     "bert", keys);
  });
  expect_error(ErrorCode::kUnsupported, {"bert.pooling_type is 4"},
               [] { (void)gguf_pooling_texts(PoolingKeys(pooled(4)).keys, "bert"); });
}

}  // namespace
}  // namespace lq
