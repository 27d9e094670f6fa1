#include "export/decoded_export.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

class DecodedExport : public testing::Test {
 protected:
  HfExportOptions options_for(std::string_view golden) const {
    HfExportOptions options;
    options.model =
        std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "gguf" / golden / "model.gguf";
    options.out = dir_ / "hf";
    return options;
  }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context context_{pool_, progress_, 0, {}};
};

TEST_F(DecodedExport, AGgufFileBecomesADirectoryOfTheSameValues) {
  const HfExportOptions options = options_for("llama");
  const HfExportReport report = export_hf(context_, options);
  const CheckpointPtr in = Checkpoint::open(options.model);
  const CheckpointPtr out = Checkpoint::open(options.out);
  ASSERT_EQ(out->reader().tensors().size(), in->reader().tensors().size());
  for (const TensorView& view : in->reader().tensors()) {
    const TensorView& written = out->reader().at(view.name());
    ASSERT_EQ(written.shape(), view.shape()) << view.name();
    EXPECT_EQ(written.dtype(), view.dtype()) << view.name();
    const Tensor want = view.copy_f32();
    const Tensor have = written.copy_f32();
    EXPECT_EQ(std::memcmp(have.raw(), want.raw(), want.bytes()), 0) << view.name();
  }
  EXPECT_EQ(out->config().json(), in->config().json());
  EXPECT_EQ(report.matrices, 16);
  EXPECT_TRUE(export_hf(context_, options).already_done);
}

TEST_F(DecodedExport, MatricesMayBeRoundedToAType) {
  HfExportOptions options = options_for("qwen2");
  options.dtype = DType::kBf16;
  export_hf(context_, options);
  const CheckpointPtr out = Checkpoint::open(options.out);
  EXPECT_EQ(out->reader().at("model.embed_tokens.weight").dtype(), DType::kBf16);
  EXPECT_EQ(out->reader().at("model.norm.weight").dtype(), DType::kF32);
  EXPECT_EQ(out->config().text("dtype"), "bfloat16");
}

TEST_F(DecodedExport, AnAdapterIsRefused) {
  HfExportOptions options = options_for("qwen2");
  options.adapter = dir_ / "adapter";
  io_test::expect_error(ErrorCode::kInvalidArgument, {"adapter", "goes with a packed model"},
                        [&] { export_hf(context_, options); });
}

}  // namespace
}  // namespace lq
