// Against the LQ-LoRA authors' own final errors on GPT-2's matrices.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "decompose_fixture.h"
#include "files/json_parts.h"
#include "formats/safetensors_reader.h"
#include "quant/codebook/codebook_quantizer.h"
#include "support/paths.h"

namespace lq {
namespace {

TEST(Authors, OurErrorsAreNotAboveTheirs) {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::path(lq::test::source_dir()) / ".." / "shared" / "data" / "models" / "gpt2_small_partial";
  if (!fs::exists(folder)) GTEST_SKIP() << "no GPT-2 matrices at " << folder;
  std::ifstream in(fs::path(lq::test::source_dir()) / "tests" / "goldens" / "authors_relative_errors.json");
  const nlohmann::json goldens = nlohmann::json::parse(in);
  int compared = 0;
  for (const auto& golden : goldens.at("cases")) {
    const std::int64_t rank = golden.at("rank");
    if (rank == 0) continue;
    const SafetensorsReader file(folder / golden.at("file").get<std::string>());
    const TensorView& view = file.at(golden.at("matrix").get<std::string>());
    const Tensor w = view.copy_f32();
    testing_support::Workbench run;
    const CodebookConfig config = parse_codebook_config(parts_from_json(golden.at("config"), "golden"));
    const Decomposition d = decompose(run.context, w.data<float>(), view.shape()[0], view.shape()[1],
                                      CodebookQuantizer(config), {.rank = rank});
    EXPECT_LE(d.relative_error, golden.at("relative_error").get<double>()) << golden;
    ++compared;
  }
  EXPECT_GE(compared, 3);
}

}  // namespace
}  // namespace lq
