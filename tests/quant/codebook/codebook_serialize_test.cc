#include "quant/codebook/codebook_serialize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/rng.h"
#include "quant/quantizer.h"

namespace lq {
namespace {

using Json = nlohmann::json;
using Stored = std::map<std::string, std::pair<TensorSpec, std::vector<std::uint8_t>>>;

const std::string kName = "model.layers.0.self_attn.q_proj.weight";

CodebookMatrix some_matrix(const CodebookModule& module) {
  ThreadPool pool(1);
  std::vector<float> w(static_cast<std::size_t>(module.rows * module.cols));
  Rng(5).fill_normal(pool, w.data(), module.rows * module.cols);
  return CodebookQuantizer(module.config, {.kind = module.codebook})
      .quantize(pool, w.data(), module.rows, module.cols);
}

Stored store(const CodebookModule& module, const CodebookMatrix& matrix) {
  Stored stored;
  const auto specs = codebook_tensor_specs(kName, module);
  const auto bytes = codebook_tensor_bytes(matrix);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    EXPECT_EQ(specs[i].bytes(), bytes[i].size());
    stored[specs[i].name] = {specs[i], {bytes[i].begin(), bytes[i].end()}};
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

TEST(NfSerialize, ModulesAreNamedWithoutTheirWeight) {
  EXPECT_EQ(module_of("model.layers.0.mlp.up_proj.weight"), "model.layers.0.mlp.up_proj");
  EXPECT_EQ(module_of("model.layers.0.mlp.up_proj"), "model.layers.0.mlp.up_proj");
  EXPECT_EQ(module_of(".weight.bias"), ".weight.bias");
}

TEST(NfSerialize, MatricesComeBackThroughTensors) {
  ThreadPool pool(1);
  for (const char* text : {"3,8,fp32,64,256", "2,3,bf16,16,16", "8,4,fp16,32,64", "4,2,bf16,64,16"}) {
    const CodebookModule module{parse_nf_config(text), 33, 70, CodebookKind::kUniformInt, DType::kBf16};
    const CodebookMatrix matrix = some_matrix(module);
    const Stored stored = store(module, matrix);
    const CodebookMatrix back = codebook_matrix_from_tensors(kName, module, lookup_in(stored));
    std::vector<float> want(33 * 70);
    std::vector<float> got(33 * 70);
    matrix.dequantize(pool, want.data());
    back.dequantize(pool, got.data());
    EXPECT_EQ(want, got) << text;
    EXPECT_EQ(back.storage_bytes(), matrix.storage_bytes());
  }
}

TEST(NfSerialize, NamesAndTypesAreThoseOfTheFormat) {
  const auto specs =
      codebook_tensor_specs(kName, {parse_nf_config("3,4,bf16,32,64"), 64, 65, {}, DType::kF32});
  ASSERT_EQ(specs.size(), 4U);
  EXPECT_EQ(specs[0], (TensorSpec{kName + ".codes", DType::kU8, {65 * 24}}));
  EXPECT_EQ(specs[1], (TensorSpec{kName + ".scales", DType::kU8, {3 * 32}}));  // 130 blocks
  EXPECT_EQ(specs[2], (TensorSpec{kName + ".scales2", DType::kBf16, {3}}));
  EXPECT_EQ(specs[3], (TensorSpec{kName + ".offset", DType::kF32, {1}}));
}

TEST(NfSerialize, ModulesComeBackThroughJson) {
  const CodebookModule module{parse_nf_config("3,8,fp32,64,256"), 768, 3072, CodebookKind::kUniformInt,
                              DType::kF16};
  const Json json = codebook_module_to_json(module);
  EXPECT_EQ(json.dump(),
            R"({"codebook":"int","config":[3,8,"fp32",64,256],"dtype":"F16","shape":[768,3072]})");
  EXPECT_EQ(codebook_module_from_json(json, "x"), module);
}

TEST(NfSerialize, BadModulesNameTheKey) {
  const Json good = codebook_module_to_json({uniform_nf_config(4), 3, 4, {}, DType::kF32});
  const std::vector<std::pair<const char*, Json>> cases = {
      {"config", Json::array({4, 8, "fp32", 64, 100})},
      {"config", "4,8,fp32,64,256"},
      {"shape", Json::array({3})},
      {"shape", Json::array({3, -4})},
      {"shape", Json::array({3, 4.5})},
      {"shape", Json::array({0, 4})},
      {"shape", Json::array({1, std::uint64_t{1} << 63})},
      {"codebook", "fp4"},
      {"codebook", 4},
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
        codebook_module_from_json(bad, "config.json: modules.x");
        ADD_FAILURE() << bad.dump();
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
        EXPECT_NE(std::string(e.what()).find("config.json: modules.x"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find(key), std::string::npos) << e.what();
      }
    }
  }
  EXPECT_THROW(codebook_module_from_json(Json(3), "x"), Error);
}

TEST(NfSerialize, WrongTensorsAreRefused) {
  const CodebookModule module{uniform_nf_config(4), 40, 50, {}, DType::kF32};
  const CodebookMatrix matrix = some_matrix(module);
  const auto expect_refused = [&](const Stored& stored, ErrorCode code, const char* part) {
    try {
      codebook_matrix_from_tensors(kName, module, lookup_in(stored));
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
