#include "tokenizers/special_names.h"

#include <gtest/gtest.h>

#include "files/json_object.h"
#include "support/io_test_util.h"

namespace lq::tokenizers {
namespace {

using Named = std::vector<std::pair<std::string, std::string>>;

JsonObject file_of(const std::string& text) {
  return JsonObject::record(nlohmann::ordered_json::parse(text), "file");
}

std::vector<std::string> texts_of(const SpecialNames& names) {
  std::vector<std::string> all;
  for (const AddedToken& token : names.tokens()) {
    EXPECT_TRUE(token.special) << token.content;
    all.push_back(token.content);
  }
  return all;
}

TEST(SpecialNames, NamesComeInTheOrderOfTheirIds) {
  SpecialNames names;
  names.read(file_of(R"({"image_token": "<i>", "mask_token": "<m>", "eos_token": "<e>", "pad_token": null,
      "bos_token": {"content": "<b>", "lstrip": true}, "max_token": 5, "add_eos_token": true})"));
  EXPECT_EQ(
      names.contents(),
      (Named{{"bos_token", "<b>"}, {"eos_token", "<e>"}, {"mask_token", "<m>"}, {"image_token", "<i>"}}));
  EXPECT_EQ(texts_of(names), (std::vector<std::string>{"<b>", "<e>", "<m>", "<i>"}));
  EXPECT_TRUE(names.tokens()[0].lstrip && !names.tokens()[1].lstrip);
  EXPECT_EQ(names.content("eos_token"), "<e>");
  EXPECT_EQ(names.content("pad_token"), std::nullopt);
}

TEST(SpecialNames, AListOfTheNewNameGoesBeforeTheOldOne) {
  SpecialNames old, both, empty, named;
  old.read(file_of(R"({"additional_special_tokens": ["<x>", {"content": "<y>"}, "<x>"]})"));
  EXPECT_EQ(texts_of(old), (std::vector<std::string>{"<x>", "<y>"}));
  both.read(file_of(R"({"additional_special_tokens": ["<x>"], "extra_special_tokens": ["<z>"]})"));
  EXPECT_EQ(texts_of(both), std::vector<std::string>{"<z>"});
  empty.read(file_of(R"({"additional_special_tokens": ["<x>"], "extra_special_tokens": {}})"));
  EXPECT_EQ(texts_of(empty), std::vector<std::string>{"<x>"});
  named.read(file_of(R"({"extra_special_tokens": {"tool_token": "<t>"}})"));
  EXPECT_EQ(named.contents(), (Named{{"tool_token", "<t>"}}));
}

TEST(SpecialNames, WhatIsReadLaterReplaces) {
  SpecialNames names;
  names.read(file_of(R"({"eos_token": "<old>", "unk_token": "<u>"})"));
  names.read(file_of(R"({"eos_token": "<new>"})"));
  EXPECT_EQ(texts_of(names), (std::vector<std::string>{"<new>", "<u>"}));
}

TEST(SpecialNames, RefusesWhatIsNoToken) {
  const auto refused = [](std::string_view part, const std::string& text) {
    SpecialNames names;
    io_test::expect_error(ErrorCode::kCorruptFile, {"file", part}, [&] { names.read(file_of(text)); });
  };
  refused("'bos_token'", R"({"bos_token": 5})");
  refused("an entry of 'extra_special_tokens'", R"({"extra_special_tokens": [5]})");
  refused("'extra_special_tokens.a'", R"({"extra_special_tokens": {"a": 5}})");
}

}  // namespace
}  // namespace lq::tokenizers
