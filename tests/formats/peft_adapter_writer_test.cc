#include <gtest/gtest.h>

#include <numeric>

#include "formats/peft_adapter.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::TempDir;

TEST(PeftAdapterWriter, WhatIsWrittenIsReadBack) {
  const TempDir dir;
  const std::vector<LoraSpec> specs = {
      {"model.layers.1.q", 2, 3, 4, 8}, {"model.layers.0.q", 2, 3, 4, 8}, {"model.layers.0.v", 5, 3, 2, 10}};
  PeftConfig config;
  config.base_model = "some/base";
  config.dropout = 0.05;
  PeftAdapterWriter writer(dir.path(), config, specs,
                           {.dtype = DType::kF32,
                            .base_hash = "0123",
                            .all_modules = {"model.layers.0.q", "model.layers.1.q", "model.layers.0.v",
                                            "head", "model.layers.1.v"}});
  std::vector<float> values(100);
  std::iota(values.begin(), values.end(), 0.0F);
  writer.write("model.layers.0.v", values.data(), values.data() + 50);
  writer.write("model.layers.1.q", values.data(), values.data() + 10);
  expect_error(ErrorCode::kInvalidArgument, {"model.layers.0.q", "0 of"}, [&] { writer.finish(); });
  EXPECT_FALSE(std::filesystem::exists(dir / "adapter_config.json"));
  writer.write("model.layers.0.q", values.data() + 1, values.data() + 20);
  writer.finish();

  const PeftAdapterReader reader(dir.path());
  EXPECT_EQ(reader.base_hash(), "0123");
  EXPECT_EQ(reader.config().r, 2);
  EXPECT_EQ(reader.config().alpha, 8.0);
  EXPECT_EQ(reader.config().base_model, "some/base");
  EXPECT_EQ(reader.config().dropout, 0.05);
  EXPECT_EQ(reader.config().target_modules, (std::vector<std::string>{"model.layers.0.v", "q"}));
  ASSERT_EQ(reader.pairs().size(), 3U);
  const LoraPair* v = reader.find("model.layers.0.v");
  ASSERT_NE(v, nullptr);
  EXPECT_EQ(v->rank, 5);
  EXPECT_EQ(v->in, 3);
  EXPECT_EQ(v->out, 2);
  EXPECT_EQ(v->alpha, 10.0);
  EXPECT_EQ(v->scaling, 2.0);
  EXPECT_EQ(v->b.copy_f32().data<float>()[9], 59.0F);
  EXPECT_EQ(reader.find("model.layers.0.q")->scaling, 4.0);
  EXPECT_EQ(reader.find("model.layers.0.q")->a.copy_f32().data<float>()[5], 6.0F);
  EXPECT_EQ(reader.find("model.layers.0"), nullptr);
  EXPECT_NO_THROW(reader.check_base("0123"));
  expect_error(ErrorCode::kMismatch, {"0123", "4567"}, [&] { reader.check_base("4567"); });
}

TEST(PeftAdapterWriter, PatternsAreExactWhereNamesEndInEachOther) {
  const TempDir dir;
  // "a.q" ends "x.a.q": PEFT would give both the pattern of the shorter.
  const std::vector<LoraSpec> specs = {{"a.q", 3, 2, 2, 6},
                                       {"x.a.q", 1, 2, 2, 1},
                                       {"b.q", 1, 2, 2, 1},
                                       {"c.q", 1, 2, 2, 9},
                                       {"y.c.q", 4, 2, 2, 7}};
  PeftAdapterWriter writer(dir.path(), {}, specs);
  const std::vector<float> values(10);
  for (const LoraSpec& spec : specs) writer.write(spec.module, values.data(), values.data());
  writer.finish();
  const PeftAdapterReader reader(dir.path());
  for (const LoraSpec& spec : specs) {
    EXPECT_EQ(reader.find(spec.module)->rank, spec.rank) << spec.module;
    EXPECT_EQ(reader.find(spec.module)->alpha, spec.alpha) << spec.module;
  }
}

TEST(PeftAdapterWriter, WriterRefusesImpossibleModules) {
  const TempDir dir;
  const auto write = [&](const std::vector<LoraSpec>& specs) { PeftAdapterWriter w(dir.path(), {}, specs); };
  expect_error(ErrorCode::kInvalidArgument, {"q", "twice"}, [&] {
    write({{"q", 1, 1, 1, 1}, {"q", 1, 1, 1, 1}});
  });
  expect_error(ErrorCode::kInvalidArgument, {"q", "rank 0"}, [&] { write({{"q", 0, 1, 1, 1}}); });
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace lq
