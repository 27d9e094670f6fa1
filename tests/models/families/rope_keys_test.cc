// What is read of config.json about rotary positions; tests/goldens/configs.json holds more of it against
// transformers.
#include "models/families/rope_keys.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"
#include "support/io_test_util.h"

namespace lq::families {
namespace {

using Json = nlohmann::ordered_json;

void expect_rope_error(ErrorCode code, std::string_view part, const std::function<void()>& body) {
  io_test::expect_error(code, {"[config] DIR/config.json: ", part}, body);
}

RopeConfig rope_section(const Json& section, const Json& config = Json::object()) {
  const JsonObject all = config_of(config), part = config_of(section);
  return read_rope_section(all, &part, 4096, 10000.0);
}

TEST(RopeKeys, RopeWithoutASection) {
  const RopeConfig rope =
      read_rope_section(config_of({{"partial_rotary_factor", 0.5}}), nullptr, 4096, 500.0);
  EXPECT_EQ(rope.type, RopeType::kDefault);
  EXPECT_EQ(rope.theta, 500.0);
  EXPECT_EQ(rope.share, 0.5);
  EXPECT_EQ(rope.original_positions, 4096);
}

TEST(RopeKeys, YarnsFactors) {
  const Json section = {{"rope_type", "yarn"}, {"original_max_position_embeddings", 1024}};
  const RopeConfig rope = rope_section(section);
  EXPECT_EQ(rope.factor, 4.0) << "from the two contexts, where the section names none";
  EXPECT_DOUBLE_EQ(rope.attention_factor, yarn_attention_factor(4.0));
  Json scaled = section;
  scaled["mscale"] = 2.0;
  EXPECT_DOUBLE_EQ(rope_section(scaled).attention_factor, yarn_attention_factor(4.0))
      << "one alone does nothing";
  scaled["mscale_all_dim"] = 0.5;
  EXPECT_DOUBLE_EQ(rope_section(scaled).attention_factor,
                   yarn_attention_factor(4.0, 2.0) / yarn_attention_factor(4.0, 0.5));
  scaled["attention_factor"] = 1.25;
  EXPECT_EQ(rope_section(scaled).attention_factor, 1.25);
}

TEST(RopeKeys, LongRopesFactors) {
  const Json section = {{"type", "longrope"}, {"short_factor", {1.0, 2.0}}, {"long_factor", {3.0, 4.0}}};
  const RopeConfig rope = rope_section(section, {{"original_max_position_embeddings", 1024}});
  EXPECT_EQ(rope.long_factor, (std::vector<double>{3.0, 4.0}));
  EXPECT_EQ(rope.factor, 4.0);
  EXPECT_DOUBLE_EQ(rope.attention_factor, long_rope_attention_factor(4.0, 1024));
  Json uneven = section;
  uneven["long_factor"] = {3.0};
  expect_rope_error(ErrorCode::kCorruptFile, "but they have 2 and 1 numbers", [&] { rope_section(uneven); });
}

TEST(RopeKeys, RopeSectionsThatCannotBe) {
  expect_rope_error(ErrorCode::kUnsupported, "rotary embedding of type \"mrope\" is not computed", [] {
    rope_section({{"rope_type", "mrope"}});
  });
  expect_rope_error(ErrorCode::kNotFound, "key 'factor' is missing", [] {
    rope_section({{"rope_type", "linear"}});
  });
  expect_rope_error(ErrorCode::kCorruptFile, "high_freq_factor 1 is not above low_freq_factor 1", [] {
    rope_section(
        {{"rope_type", "llama3"}, {"factor", 8.0}, {"low_freq_factor", 1.0}, {"high_freq_factor", 1.0}});
  });
  expect_rope_error(
      ErrorCode::kUnsupported,
      "\"full_attention\" is a rotation of its own for some layers, which is not computed for qwen3", [] {
        rope_section({{"full_attention", {{"rope_type", "linear"}, {"factor", 2.0}}}},
                     {{"model_type", "qwen3"}});
      });
}

TEST(RopeKeys, OneSectionCountsAndBothAreKnown) {
  const JsonObject config = config_of({{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}},
                                       {"rope_parameters", {{"rope_type", "linear"}, {"factor", 3.0}}}});
  EXPECT_EQ(read_rope(config, 4096, 10000.0).factor, 2.0);
  EXPECT_TRUE(config.unread_keys().empty());
}

}  // namespace
}  // namespace lq::families
