#include "jobs/options/quantize_options.h"

#include <gtest/gtest.h>

#include "base/option_error.h"

namespace lq {
namespace {

std::string refusal(QuantizeOptions o, const QuantizeChoices& open) {
  try {
    settle(o, open);
  } catch (const OptionError& e) {
    return e.what();
  }
  return "none";
}

TEST(QuantizeOptions, OneConfigurationForAll) {
  QuantizeOptions o;
  QuantizeChoices open;
  settle(o, open);
  EXPECT_EQ(o.choice.name(), "nf 4,8,fp32,64,256");
  open.nf = 3;
  settle(o, open);
  EXPECT_EQ(o.choice.name(), "nf 3,8,fp32,64,256");
  open = {};
  open.config = "int-row,4";
  settle(o, open);
  EXPECT_EQ(o.choice.name(), "int-row 4") << "a configuration of a format says which format it is";
  EXPECT_EQ(o.formats.text(), "int-row");
}

TEST(QuantizeOptions, ABudgetChoosesAmongFormats) {
  QuantizeOptions o;
  QuantizeChoices open;
  o.budget.bits = 3.0;
  open.method.formats = {"nf", "lm"};
  open.configs = {"nf,2,8,fp32,64,256", "lm,3,8,fp32,64,256"};
  settle(o, open);
  ASSERT_EQ(o.budget.configs.size(), 2U);
  EXPECT_EQ(o.budget.configs[1].format, "lm");
}

TEST(QuantizeOptions, NamesOfTypesAreFormats) {
  QuantizeOptions o;
  QuantizeChoices open;
  open.method.formats = {"q4_k"};
  settle(o, open);
  EXPECT_EQ(o.choice.name(), "ggml q4_k");
  open.nf = 4;
  EXPECT_EQ(refusal({}, open), "format says the type, as `nf` does: give one or the other");
  open.nf = 0;
  open.method.formats = {"q4_k", "q6_k"};
  EXPECT_EQ(refusal({}, open),
            "format holds several types, which a budget chooses among: give `bits` or `memory`");
  QuantizeOptions budget;
  budget.budget.bits = 5.0;
  settle(budget, open);
  EXPECT_EQ(budget.formats.text(), "ggml");
  ASSERT_EQ(budget.budget.configs.size(), 2U);
  EXPECT_EQ(budget.budget.configs[1].name(), "ggml q6_k");
  open.configs = {"ggml,q5_k"};
  EXPECT_EQ(refusal(budget, open), "configs and types of ggml as `format` exclude each other");
  open.configs = {};
  open.method.formats = {"nf", "q4_k"};
  EXPECT_EQ(refusal(budget, open),
            "format holds types of ggml beside other formats: name ggml, and the types among `configs`");
}

TEST(QuantizeOptions, WhatExcludesWhat) {
  QuantizeOptions budget;
  budget.budget.bits = 3.0;
  QuantizeChoices open;
  open.nf = 3;
  EXPECT_EQ(refusal(budget, open),
            "nf makes every matrix the same; `bits`, `memory` and `allocation` choose for each: give one or "
            "the other");
  open.config = "3,8,fp32,64,256";
  EXPECT_EQ(refusal({}, open), "config and `nf` exclude each other");
  open.nf = 0;
  EXPECT_EQ(refusal(budget, open).substr(0, 12), "config makes");
  open.method.formats = {"int-row"};
  open.config = "nf,3,8,fp32,64,256";
  EXPECT_EQ(refusal({}, open), "config nf,3,8,fp32,64,256 is of format nf, but `format` is int-row");
  open = {};
  open.configs = {"all"};
  EXPECT_EQ(refusal({}, open), "configs serves a budget: give `bits` or `memory` as well");
  QuantizeOptions table;
  table.budget.table = "table.json";
  EXPECT_EQ(refusal(table, {}), "table serves a budget: give `bits` or `memory` as well");
}

TEST(QuantizeOptions, JobsOfOlderVersionsAreKnown) {
  QuantizeOptions o;
  settle(o, {});
  const nlohmann::json now = job_identity(o, "hash", 7);
  EXPECT_EQ(now["codebook"], nlohmann::json({"nf"}));
  EXPECT_EQ(now["scales"], "absmax");
  EXPECT_EQ(now["feedback"], "off");
  nlohmann::json old = nlohmann::json::parse(now.dump());
  old["codebook"] = 0;
  old["scales"] = 0;
  old["feedback"] = 0;
  EXPECT_EQ(job_today(o, nlohmann::json::parse(old.dump())), now);
}

// What a user asked for and no one would use.
TEST(QuantizeOptions, IdleOptionsAreRefused) {
  const auto refused = [](const auto& change) {
    QuantizeOptions o;
    change(o);
    return refusal(o, {});
  };
  using O = QuantizeOptions;
  EXPECT_EQ(refused([](O& o) {
              o.budget.constraints.min_bits = {{"*", 8.0}};
            }),
            "min-bits is a rule of a budget: give `bits` or `memory` as well");
  EXPECT_EQ(refused([](O& o) { o.budget.constraints.layer_cap = 2.5; }).find("layer-cap is a rule"), 0U);
  EXPECT_EQ(refused([](O& o) { o.calibration.field = "story"; }), "field is of `data`, which is not given");
  EXPECT_EQ(refused([](O& o) { o.calibration.samples = 7; }), "samples is of `data`, which is not given");
  EXPECT_EQ(refused([](O& o) { o.calibration.seq_len = 7; }).find("seq-len is of"), 0U);
  EXPECT_EQ(refused([](O& o) { o.gguf.tables = ggml::GgmlType::kF32; }),
            "embeddings goes with `format` gguf");
  EXPECT_EQ(refused([](O& o) {
              o.decompose.method = DecomposeMethod::kLorc;
              o.decompose.max_iterations = 4;
            }),
            "iterations are of alternations, which `method` lorc has none of");
  EXPECT_EQ(refused([](O& o) {
              o.decompose.rank = 0;
              o.alpha = 2.0;
            }),
            "alpha is of a low-rank part, and there is none");
  EXPECT_EQ(refused([](O& o) { o.budget.bits = 3.0, o.budget.constraints.layer_cap = 4.0; }), "none");
}

}  // namespace
}  // namespace lq
