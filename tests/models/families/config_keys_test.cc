// What is read of config.json in the same keys by most families; families' own tests have the rest.
#include "models/families/config_keys.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"
#include "support/io_test_util.h"

namespace lq::families {
namespace {

using Json = nlohmann::ordered_json;

// The smallest config that read_decoder takes.
Json small_decoder() {
  return {{"vocab_size", 50},
          {"hidden_size", 32},
          {"intermediate_size", 64},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4}};
}

void expect_key_error(ErrorCode code, std::string_view part, const std::function<void()>& body) {
  io_test::expect_error(code, {"[config] DIR/config.json: ", part}, body);
}

TEST(ConfigKeys, DefaultsStandWhereKeysAreMissing) {
  const JsonObject config =
      with_defaults(config_of({{"a", 1}, {"b", nullptr}}), {{"a", 2}, {"b", 3}, {"c", 4}});
  EXPECT_EQ(config.integer("a"), 1);
  EXPECT_FALSE(config.has("b")) << "null is there";
  EXPECT_EQ(config.integer("c"), 4);
}

TEST(ConfigKeys, UnknownKeysThatSaySomethingAreRefused) {
  const auto refuse = [](const Json& json) {
    const JsonObject config = config_of(json);
    config.has("read");
    refuse_unknown_keys(config, {"ours"});
  };
  refuse({{"read", 1}, {"ours", 5}, {"torch_dtype", "bfloat16"}, {"_commit", "abc"}});
  refuse({{"n", nullptr},
          {"f", false},
          {"z", 0},
          {"zero", 0.0},
          {"t", ""},
          {"l", Json::array()},
          {"o", Json::object()}});
  expect_key_error(ErrorCode::kUnsupported,
                   "odd_scale is 2, a key that this program does not know for llama: it could change what",
                   [&] {
                     refuse({{"model_type", "llama"}, {"odd_scale", 2}});
                   });
  expect_key_error(ErrorCode::kUnsupported,
                   "odd is true, a key that this program does not know for this model", [&] {
                     refuse({{"odd", true}});
                   });
  expect_key_error(ErrorCode::kUnsupported, "odd is [0]", [&] { refuse({{"odd", {0}}}); });
}

TEST(ConfigKeys, ActivationsByAllTheirNames) {
  const auto read = [](const char* name) {
    return read_activation(config_of({{"act", name}}), "act", "relu");
  };
  EXPECT_EQ(read("swish"), Activation::kSilu);
  EXPECT_EQ(read("gelu"), Activation::kGelu);
  EXPECT_EQ(read("gelu_python"), Activation::kGelu);
  for (const char* name :
       {"gelu_pytorch_tanh", "gelu_python_tanh", "gelu_new", "gelu_fast", "gelu_accurate"}) {
    EXPECT_EQ(read(name), Activation::kGeluTanh);
  }
  EXPECT_EQ(read_activation(config_of(Json::object()), "act", "relu"), Activation::kRelu);
  expect_key_error(ErrorCode::kUnsupported, "act \"mish\" is not computed (known: silu, gelu",
                   [&] { read("mish"); });
}

TEST(ConfigKeys, LayersWithAWindow) {
  const auto odd = [](std::int64_t layer) { return layer % 2 == 1; };
  EXPECT_EQ(sliding_layers(config_of(Json::object()), 3, odd), (std::vector<bool>{false, true, false}));
  const JsonObject named = config_of({{"layer_types", {"sliding_attention", "full_attention"}}});
  EXPECT_EQ(sliding_layers(named, 2, odd), (std::vector<bool>{true, false}));
}

TEST(ConfigKeys, WindowsFromALayerOn) {
  const auto windows = [](const Json& json, bool if_used) {
    ModelSpec spec;
    spec.blocks.resize(3);
    if_used ? set_windows_if_used(config_of(json), spec) : set_windows(config_of(json), 1, spec);
    std::vector<std::int64_t> out;
    for (const BlockSpec& b : spec.blocks) out.push_back(b.attention.window);
    return out;
  };
  using Windows = std::vector<std::int64_t>;
  EXPECT_EQ(windows({{"sliding_window", 7}}, false), (Windows{0, 7, 7}));
  EXPECT_EQ(windows(Json::object(), false), (Windows{0, 4096, 4096}));
  EXPECT_EQ(windows({{"sliding_window", nullptr}}, false), (Windows{0, 0, 0}));
  EXPECT_EQ(windows({{"sliding_window", 7}}, true), (Windows{0, 0, 0})) << "not used";
  Json used = {{"sliding_window", 7}, {"use_sliding_window", true}};
  EXPECT_EQ(windows(used, true), (Windows{0, 0, 0})) << "from layer 28 on";
  used["max_window_layers"] = 2;
  EXPECT_EQ(windows(used, true), (Windows{0, 0, 7}));
}

TEST(ConfigKeys, ADecoderWithAFamilysDefaults) {
  const ModelSpec plain = read_decoder(config_of(small_decoder()));
  EXPECT_EQ(plain.layers(), 2);
  EXPECT_EQ(plain.head_dim(), 8);
  EXPECT_EQ(plain.blocks[1].attention.kv_heads, 4);
  EXPECT_EQ(plain.blocks[0].mlp.activation, Activation::kSilu);
  const Defaults family = {.head_dim = 16,
                           .max_positions = 99,
                           .rope_theta = 5.0,
                           .norm_eps = 0.25,
                           .tied = true,
                           .activation = "gelu"};
  const ModelSpec own = read_decoder(config_of(small_decoder()), family);
  EXPECT_EQ(own.head_dim(), 16);
  EXPECT_EQ(own.max_positions, 99);
  EXPECT_EQ(own.rope.theta, 5.0);
  EXPECT_EQ(own.final_norm.eps, 0.25F);
  EXPECT_TRUE(own.tied_embeddings);
  EXPECT_EQ(own.blocks[0].mlp.activation, Activation::kGelu);
}

TEST(ConfigKeys, ADecodersNumbersMustFit) {
  const auto refused = [](ErrorCode code, std::string_view part, const char* key, const Json& value,
                          const Defaults& defaults = {}) {
    Json json = small_decoder();
    json[key] = value;
    expect_key_error(code, part, [&] { read_decoder(config_of(json), defaults); });
  };
  refused(ErrorCode::kCorruptFile, "hidden_size is 30, which num_attention_heads, 4, does not divide",
          "hidden_size", 30);
  refused(ErrorCode::kUnsupported, "partial_rotary_factor 0.5 is not computed for this model (only 1)",
          "partial_rotary_factor", 0.5);
  refused(ErrorCode::kUnsupported,
          "partial_rotary_factor 0.1 of a head_dim of 8 is no even number of dimensions",
          "partial_rotary_factor", 0.1, {.partial_rotary = true});
}

TEST(ConfigKeys, PartialRotationWhereTheFamilyHasIt) {
  Json json = small_decoder();
  json["partial_rotary_factor"] = 0.5;
  EXPECT_EQ(read_decoder(config_of(json), {.partial_rotary = true}).rope.dims(8), 4);
  EXPECT_EQ(read_decoder(config_of(json), {.one_rope = false}).rope.share, 1.0) << "left to the family";
}

}  // namespace
}  // namespace lq::families
