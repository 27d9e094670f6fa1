#include "export/peft_export.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "export/packed_model.h"

namespace lq {
namespace {

class PeftExportTest : public testing::Test {
 protected:
  PeftExportTest() {
    tiny_.write_tuned(tuned_, tiny_.packed_hash());
    options_.model = tiny_.packed;
    options_.adapter = tuned_;
    options_.base = tiny_.dense;
    options_.out = tiny_.dir / "lora";
  }
  std::string error() {
    try {
      export_peft(tiny_.context, options_);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  PackedTinyModel tiny_;
  std::filesystem::path tuned_ = tiny_.dir / "tuned";
  PeftExportOptions options_;
};

TEST_F(PeftExportTest, IsExactlyWhatFineTuningChanged) {
  const PeftExportReport report = export_peft(tiny_.context, options_);
  EXPECT_EQ(report.modules, 14);
  EXPECT_EQ(report.rank, 7);
  EXPECT_EQ(report.replaced, 1);
  const PeftAdapterReader start(tiny_.packed / "adapter");
  const PeftAdapterReader tuned(tuned_);
  const PeftAdapterReader out(options_.out);
  out.check_base(CheckpointReader(tiny_.dense).model_hash(tiny_.pool));
  ASSERT_EQ(out.pairs().size(), 14U);
  double error = 0.0, norm = 0.0;
  const CheckpointReader dense(tiny_.dense);
  const PackedCheckpoint packed(tiny_.packed);
  for (const LoraPair& p : out.pairs()) {
    EXPECT_EQ(p.rank, p.module == tiny_.left_alone ? 4 : 7) << p.module;
    EXPECT_EQ(p.scaling, 1.0);
    const auto want_tuned = PackedTinyModel::product(tuned, p.module, p.out, p.in);
    const auto want_start = PackedTinyModel::product(start, p.module, p.out, p.in);
    const auto got = PackedTinyModel::product(out, p.module, p.out, p.in);
    const Tensor w = dense.at(p.module + ".weight").copy_f32();
    std::vector<float> q(got.size());
    packed.matrix(p.module + ".weight").dequantize(tiny_.pool, q.data());
    for (std::size_t i = 0; i < got.size(); ++i) {
      // Factors are copied; the scalings, powers of two, change no bit.
      ASSERT_NEAR(got[i], want_tuned[i] - want_start[i], 1e-12 * (1.0 + std::abs(got[i]))) << p.module;
      const double rest = double{w.data<float>()[i]} - double{q[i]} - want_start[i];
      error += rest * rest;
      norm += double{w.data<float>()[i]} * double{w.data<float>()[i]};
    }
  }
  ASSERT_TRUE(report.distance.has_value());
  EXPECT_NEAR(*report.distance, std::sqrt(error / norm), 1e-5);  // products in f32
  ASSERT_EQ(out.replaced().size(), 1U);
  EXPECT_EQ(out.replaced().front().copy_f32().data<float>()[31], 1.5F);
  EXPECT_EQ(out.config().base_model, tiny_.dense.string());

  const PeftExportReport again = export_peft(tiny_.context, options_);
  EXPECT_TRUE(again.already_done);
  EXPECT_EQ(again.distance, report.distance);
}

TEST_F(PeftExportTest, WithoutADecompositionsAdapterTheFactorsAreHandedOn) {
  std::filesystem::remove_all(tiny_.packed / "adapter");
  options_.base.clear();
  const PeftExportReport report = export_peft(tiny_.context, options_);
  EXPECT_EQ(report.modules, 13);
  EXPECT_EQ(report.rank, 3);
  EXPECT_FALSE(report.distance.has_value());
}

TEST_F(PeftExportTest, RefusesAnotherBase) {
  write_tiny_model(tiny_.dir / "other", DType::kBf16);
  options_.base = tiny_.dir / "other";
  EXPECT_NE(error().find("was packed from " + PackedCheckpoint(tiny_.packed).packed().source_hash),
            std::string::npos)
      << error();
  options_.base.clear();
  options_.adapter = tiny_.dir / "foreign";
  tiny_.write_tuned(options_.adapter, "0123");
  EXPECT_NE(error().find("0123"), std::string::npos) << error();
  options_.model = tiny_.dense;
  EXPECT_NE(error(), "none");
  EXPECT_FALSE(std::filesystem::exists(options_.out));
}

}  // namespace
}  // namespace lq
