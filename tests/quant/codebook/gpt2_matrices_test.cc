// GPT-2's attention matrices, where they are at hand: storage is the paper's formula, values are the
// reference's, errors are the authors'.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "files/json_parts.h"
#include "formats/safetensors_reader.h"
#include "quant/codebook/codebook_quantizer.h"
#include "quant/codebook/codebook_reference.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

fs::path model_dir() {
  return fs::path(lq::test::source_dir()) / ".." / "shared" / "data" / "models" / "gpt2_small_partial";
}

class Gpt2Matrices : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(model_dir())) GTEST_SKIP() << model_dir() << " is absent";
  }

  static Tensor load(const std::string& file, const std::string& name) {
    return SafetensorsReader(model_dir() / file).at(name).copy_f32();
  }
};

TEST_F(Gpt2Matrices, AllConfigurationsHaveTheFormulasSizeAndTheReferencesValues) {
  std::vector<Tensor> matrices;
  for (const char* layer : {"0", "6"}) {
    for (const char* part : {"query", "key", "value", "proj"}) {
      matrices.push_back(load(std::string("layer_0") + layer + ".safetensors",
                              std::string("h.") + layer + ".attn." + part + ".weight"));
      ASSERT_EQ(matrices.back().shape(), (Shape{768, 768}));
    }
  }
  ThreadPool one(1);
  ThreadPool pool(0);
  const std::int64_t n = 768 * 768;
  const auto& configs = all_nf_configs();
  pool.run(static_cast<std::int64_t>(configs.size()), [&](std::int64_t i) {
    const CodebookConfig& config = configs[static_cast<std::size_t>(i)];
    // Configurations that follow one another go to different matrices: each matrix serves 54 of them.
    const float* w = matrices[static_cast<std::size_t>(i) % matrices.size()].data<float>();
    const Codebook& book = codebook_of(CodebookKind::kNormalFloat, config.bits);
    const CodebookMatrix packed = CodebookQuantizer(config).quantize(one, w, 768, 768);
    // 768 * 768 is a multiple of 64 * 256 blocks' weights: nothing is padded, and 4 bytes are the offset's.
    EXPECT_EQ(static_cast<double>(8 * (packed.storage_bytes() - 4)), codebook_bits_per_weight(config) * n)
        << to_string(config);
    std::vector<float> got(static_cast<std::size_t>(n));
    std::vector<float> want(static_cast<std::size_t>(n));
    packed.dequantize(one, got.data());
    codebook_reference_dequantize(codebook_reference_quantize(w, n, config, book), n, config, book, 0, n,
                                  want.data());
    EXPECT_EQ(std::memcmp(got.data(), want.data(), got.size() * sizeof(float)), 0) << to_string(config);
  });
}

double relative_error(const float* w, const std::vector<float>& q) {
  double error = 0.0;
  double norm = 0.0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    error += std::pow(double{w[i]} - double{q[i]}, 2);
    norm += double{w[i]} * double{w[i]};
  }
  return std::sqrt(error / norm);
}

TEST_F(Gpt2Matrices, ErrorsAreTheAuthors) {
  const fs::path path =
      fs::path(lq::test::source_dir()) / "tests" / "goldens" / "authors_relative_errors.json";
  const nlohmann::json goldens = nlohmann::json::parse(std::ifstream(path));
  ThreadPool pool(0);
  int compared = 0;
  for (const auto& golden : goldens.at("cases")) {
    if (golden.at("rank") != 0) continue;  // decomposition has its own test
    const Tensor w = load(golden.at("file"), golden.at("matrix"));
    const CodebookConfig config = parse_codebook_config(parts_from_json(golden.at("config"), "goldens"));
    std::vector<float> q(static_cast<std::size_t>(w.numel()));
    CodebookQuantizer(config).round_trip(pool, w.data<float>(), w.shape()[0], w.shape()[1], q.data());
    const double want = golden.at("relative_error");
    // The same arithmetic but for the order of two roundings in the scales, which moves a few codes.
    EXPECT_NEAR(relative_error(w.data<float>(), q), want, 1e-4 * want) << to_string(config);
    ++compared;
  }
  EXPECT_GE(compared, 12);
}

}  // namespace
}  // namespace lq
