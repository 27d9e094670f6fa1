#include "formats/packed_module.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/rng.h"
#include "formats/module_name.h"
#include "quant/format_set.h"

namespace lq {
namespace {

using Json = nlohmann::json;
using Stored = std::map<std::string, std::pair<TensorSpec, std::vector<std::uint8_t>>>;

const std::string kName = "model.layers.0.self_attn.q_proj.weight";

PackedMatrix some_matrix(const PackedModule& module) {
  ThreadPool pool(1);
  std::vector<float> w(static_cast<std::size_t>(module.rows * module.cols));
  Rng(5).fill_normal(pool, w.data(), module.rows * module.cols);
  return make_quantizer(module.choice)->pack(pool, w.data(), module.rows, module.cols);
}

Stored store(const PackedModule& module, const PackedMatrix& matrix) {
  Stored stored;
  const auto specs = packed_tensor_specs(kName, module);
  EXPECT_EQ(specs.size(), matrix.parts().size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const PackedPart& part = matrix.parts()[i];
    EXPECT_EQ(specs[i], (TensorSpec{kName + "." + part.suffix, part.dtype, part.shape}));
    EXPECT_EQ(specs[i].bytes(), part.bytes.size());
    stored[specs[i].name] = {specs[i], {part.bytes.begin(), part.bytes.end()}};
  }
  return stored;
}

TensorLookup lookup_in(const Stored& stored) {
  return [&stored](const std::string& name) {
    const auto found = stored.find(name);
    LQ_CHECK(found != stored.end(), kNotFound, "{} is missing", name);
    const auto& [spec, bytes] = found->second;
    return TensorView{spec, reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), false};
  };
}

TEST(PackedModule, ModulesAreNamedWithoutTheirWeight) {
  EXPECT_EQ(module_of("model.layers.0.mlp.up_proj.weight"), "model.layers.0.mlp.up_proj");
  EXPECT_EQ(module_of("model.layers.0.mlp.up_proj"), "model.layers.0.mlp.up_proj");
  EXPECT_EQ(module_of(".weight.bias"), ".weight.bias");
}

TEST(PackedModule, MatricesComeBackThroughTensors) {
  ThreadPool pool(1);
  for (const char* text : {"int 3,8,fp32,64,256", "nf 2,3,bf16,16,16", "lm 8,4,fp16,32,64",
                           "int 4,2,bf16,64,16", "int-row 2", "int-row 3", "int-row 4", "int-row 8"}) {
    const PackedModule module{parse_choice(text, "test"), 33, 70, DType::kBf16};
    const PackedMatrix matrix = some_matrix(module);
    const Stored stored = store(module, matrix);
    const PackedMatrix back = packed_matrix_from_tensors(kName, module, lookup_in(stored));
    std::vector<float> want(33 * 70);
    std::vector<float> got(33 * 70);
    matrix.dequantize(pool, want.data());
    back.dequantize(pool, got.data());
    EXPECT_EQ(want, got) << text;
    EXPECT_EQ(back.storage_bytes(), matrix.storage_bytes());
  }
}

TEST(PackedModule, NamesAndTypesAreThoseOfTheFormat) {
  const auto specs =
      packed_tensor_specs(kName, {parse_choice("nf 3,4,bf16,32,64", "test"), 64, 65, DType::kF32});
  ASSERT_EQ(specs.size(), 4U);
  EXPECT_EQ(specs[0], (TensorSpec{kName + ".codes", DType::kU8, {65 * 24}}));
  EXPECT_EQ(specs[1], (TensorSpec{kName + ".scales", DType::kU8, {3 * 32}}));  // 130 blocks
  EXPECT_EQ(specs[2], (TensorSpec{kName + ".scales2", DType::kBf16, {3}}));
  EXPECT_EQ(specs[3], (TensorSpec{kName + ".offset", DType::kF32, {1}}));
}

TEST(PackedModule, ModulesComeBackThroughJson) {
  const PackedModule module{parse_choice("int 3,8,fp32,64,256", "test"), 768, 3072, DType::kF16};
  const Json json = packed_module_to_json(module);
  EXPECT_EQ(json.dump(), R"({"config":[3,8,"fp32",64,256],"dtype":"F16","format":"int","shape":[768,3072]})");
  EXPECT_EQ(packed_module_from_json(json, 2, "x"), module);
  const PackedModule rows{parse_choice("int-row 4", "test"), 3, 4, DType::kF32};
  EXPECT_EQ(packed_module_to_json(rows).dump(),
            R"({"config":[4],"dtype":"F32","format":"int-row","shape":[3,4]})");
  EXPECT_EQ(packed_module_from_json(packed_module_to_json(rows), 2, "x"), rows);
}

TEST(PackedModule, VersionOneIsRead) {
  Json json =
      Json::parse(R"({"config":[3,8,"fp32",64,256],"dtype":"F16","codebook":"lm","shape":[768,3072]})");
  EXPECT_EQ(packed_module_from_json(json, 1, "x"),
            (PackedModule{parse_choice("lm 3,8,fp32,64,256", "test"), 768, 3072, DType::kF16}));
  EXPECT_THROW(packed_module_from_json(json, 2, "x"), Error);  // has no format
  json["codebook"] = "int-row";
  EXPECT_THROW(packed_module_from_json(json, 1, "x"), Error);
}

TEST(PackedModule, FormatsAndVersionsThatAreNotHereAreUnsupported) {
  const Json good = packed_module_to_json({parse_choice("int-row 4", "test"), 3, 4, DType::kF32});
  for (const auto& [key, value] : {std::pair<const char*, Json>{"format", "q9"}, {"format_version", 2}}) {
    Json newer = good;
    newer[key] = value;
    try {
      packed_module_from_json(newer, 2, "x");
      ADD_FAILURE() << newer;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported) << e.what();
    }
  }
  Json named = good;
  named["format_version"] = 1;
  EXPECT_EQ(packed_module_from_json(named, 2, "x").choice.name(), "int-row 4");
}

TEST(PackedModule, BadModulesNameTheKey) {
  const Json good = packed_module_to_json({FormatSet().uniform(4), 3, 4, DType::kF32});
  const std::vector<std::pair<const char*, Json>> cases = {
      {"config", Json::array({4, 8, "fp32", 64, 100})},
      {"config", "4,8,fp32,64,256"},
      {"config", Json::array({4})},
      {"config", Json::array({4, 8, "fp32", 64, 4294967552})},
      {"config", Json::array({3.5, 8, "fp32", 64, 256})},
      {"shape", Json::array({3})},
      {"shape", Json::array({3, -4})},
      {"shape", Json::array({3, 4.5})},
      {"shape", Json::array({0, 4})},
      {"shape", Json::array({1, std::uint64_t{1} << 63})},
      {"format", 4},
      {"dtype", "I32"},
      {"dtype", nullptr}};
  for (const auto& [key, value] : cases) {
    for (const bool remove : {false, true}) {
      Json bad = good;
      if (remove) {
        bad.erase(key);
      } else {
        bad[key] = value;
      }
      try {
        packed_module_from_json(bad, 2, "config.json: modules.x");
        ADD_FAILURE() << bad.dump();
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
        EXPECT_NE(std::string(e.what()).find("config.json: modules.x"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find(key), std::string::npos) << e.what();
      }
    }
  }
  EXPECT_THROW(packed_module_from_json(Json(3), 2, "x"), Error);
}

TEST(PackedModule, WrongTensorsAreRefused) {
  const PackedModule module{FormatSet().uniform(4), 40, 50, DType::kF32};
  const PackedMatrix matrix = some_matrix(module);
  const auto expect_refused = [&](const Stored& stored, ErrorCode code, const char* part) {
    try {
      packed_matrix_from_tensors(kName, module, lookup_in(stored));
      ADD_FAILURE() << part;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code);
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  for (const char* part : {"codes", "scales", "scales2", "offset"}) {
    Stored stored = store(module, matrix);
    auto& [spec, bytes] = stored[kName + "." + part];
    spec.shape[0] += 1;
    expect_refused(stored, ErrorCode::kCorruptFile, part);
    spec.shape[0] -= 1;
    bytes.pop_back();
    expect_refused(stored, ErrorCode::kCorruptFile, part);
    bytes.push_back(0);
    spec.dtype = DType::kI8;
    expect_refused(stored, ErrorCode::kCorruptFile, part);
    stored.erase(kName + "." + part);
    expect_refused(stored, ErrorCode::kNotFound, part);
  }
}

}  // namespace
}  // namespace lq
