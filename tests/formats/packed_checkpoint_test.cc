#include "formats/packed_checkpoint.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace lq {
namespace {

JsonObject config_with(const nlohmann::ordered_json& quantization) {
  return JsonObject({{"quantization_config", quantization}}, "test");
}

TEST(PackedCheckpoint, ConfigEntryRoundTrips) {
  PackedModules packed;
  packed.model_hash = "abc";
  packed.source_hash = "def";
  packed.modules["x.weight"] = {
      .choice = parse_choice("int,3", "test"), .rows = 4, .cols = 5, .dtype = DType::kBf16};
  packed.modules["y.weight"] = {
      .choice = parse_choice("int-row,3", "test"), .rows = 4, .cols = 5, .dtype = DType::kF32};
  const JsonObject config = config_with(packed_modules_to_json(packed));
  EXPECT_TRUE(is_packed(config));
  const PackedModules back = packed_modules_from_config(config);
  EXPECT_EQ(back.modules, packed.modules);
  EXPECT_EQ(back.model_hash, "abc");
  EXPECT_EQ(back.source_hash, "def");
}

TEST(PackedCheckpoint, TellsDenseFromForeignFromNewer) {
  EXPECT_FALSE(is_packed(JsonObject(nlohmann::ordered_json::object(), "test")));
  EXPECT_THROW(is_packed(config_with({{"quant_method", "bitsandbytes"}})), Error);
  const JsonObject newer =
      config_with({{"quant_method", "lqlora"}, {"version", 3}, {"modules", nlohmann::json::object()}});
  EXPECT_TRUE(is_packed(newer));
  EXPECT_THROW(packed_modules_from_config(newer), Error);
  EXPECT_THROW(packed_modules_from_config(config_with({{"quant_method", "lqlora"}, {"version", 2}})), Error);
  EXPECT_THROW(packed_modules_from_config(config_with({{"quant_method", "lqlora"}, {"version", 0}})), Error);
}

}  // namespace
}  // namespace lq
