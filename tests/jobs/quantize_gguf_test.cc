// A GGUF file as the model of a job: what comes out is what the directory it was made of gives.
#include <gtest/gtest.h>

#include <filesystem>

#include "formats/checkpoint.h"
#include "jobs/quantize_model.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(QuantizeGguf, GivesTheBytesThatItsDirectoryGives) {
  const std::filesystem::path goldens = std::filesystem::path(test::source_dir()) / "tests" / "goldens";
  const io_test::TempDir dir;
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  const auto packed_hash = [&](const std::filesystem::path& model, std::string_view out) {
    QuantizeOptions options;
    options.model = model;
    options.out = dir / out;
    options.decompose.rank = 2;
    quantize_model(context, options);
    return Checkpoint::open(options.out)->packed().packed().model_hash;
  };
  EXPECT_EQ(packed_hash(goldens / "gguf/llama_rope_llama3/model.gguf", "from_gguf"),
            packed_hash(goldens / "llama_rope_llama3", "from_directory"));
}

TEST(QuantizeGguf, WritesWhatItDoesNotPackDecoded) {
  const std::filesystem::path model =
      std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "gguf" / "llama" / "model.gguf";
  const io_test::TempDir dir;
  ThreadPool pool(2);
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  QuantizeOptions options;
  options.model = model;
  options.out = dir / "out";
  options.decompose.rank = 2;
  quantize_model(context, options);
  const CheckpointPtr out = Checkpoint::open(options.out);
  const CheckpointPtr in = Checkpoint::open(model);
  const std::string table = "model.embed_tokens.weight";
  EXPECT_NE(in->reader().at(table).form, nullptr);
  const Tensor want = in->reader().at(table).copy_f32();
  const Tensor have = out->reader().at(table).copy_f32();
  EXPECT_EQ(std::memcmp(have.raw(), want.raw(), want.bytes()), 0);
  EXPECT_EQ(out->config().texts("architectures"), in->config().texts("architectures"));
}

}  // namespace
}  // namespace lq
