#include "export/export_options.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "base/option_error.h"

namespace lq {
namespace {

template <typename Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const OptionError& e) {
    return e.what();
  }
  return "none";
}

TEST(ExportOptions, WhatGoesWithWhichFormat) {
  ExportOptions o;
  o.hf.model = "packed";
  GivenOptions none, dtype, base;
  dtype.add("dtype");
  base.add("base");
  EXPECT_EQ(refusal([&] { peft_options(o, none); }),
            "format peft: the adapter that was fine-tuned on packed is expected (`adapter`)");
  o.hf.adapter = "tuned";
  o.hf.out = "out";
  o.base = "dense";
  const PeftExportOptions peft = peft_options(o, base);
  EXPECT_EQ(peft.adapter, "tuned");
  EXPECT_EQ(peft.base, "dense");
  EXPECT_EQ(peft.out, "out");
  EXPECT_EQ(refusal([&] { peft_options(o, dtype); }), "dtype goes with `format` hf");
  EXPECT_EQ(refusal([&] { hf_options(o, base); }), "base goes with `format` peft");
  EXPECT_EQ(hf_options(o, dtype).out, "out");
}

TEST(ExportOptions, OfGgufFiles) {
  ExportOptions o;
  o.hf.model = "packed";
  o.hf.out = "m.gguf";
  o.type = ggml::GgmlType::kQ8_0;
  GivenOptions none, type, dtype, base;
  type.add("type");
  dtype.add("dtype");
  base.add("base");
  EXPECT_EQ(gguf_options(o, type).types.matrices, ggml::GgmlType::kQ8_0);
  EXPECT_EQ(gguf_options(o, none).out, "m.gguf");
  EXPECT_EQ(refusal([&] { gguf_options(o, dtype); }), "dtype goes with `format` hf");
  EXPECT_EQ(refusal([&] { gguf_lora_options(o, base); }), "base goes with `format` peft");
  EXPECT_EQ(refusal([&] { hf_options(o, type); }), "type goes with `format` gguf or gguf-lora");
  EXPECT_EQ(refusal([&] { gguf_lora_options(o, none); }),
            "format gguf-lora: packed has no adapter of its own; name one by `adapter`");
  o.hf.adapter = "tuned";
  EXPECT_EQ(gguf_lora_options(o, none).adapter, "tuned");
  EXPECT_EQ(gguf_lora_options(o, none).type, ggml::GgmlType::kQ8_0);
}

TEST(ExportOptions, AnAdapterIsLeftOutOfADirectoryOrAGgufFile) {
  ExportOptions o;
  o.hf.model = "packed";
  o.hf.without_adapter = true;
  GivenOptions without;
  without.add("without-adapter");
  EXPECT_TRUE(hf_options(o, without).without_adapter);
  EXPECT_TRUE(gguf_options(o, without).without_adapter);
  EXPECT_EQ(refusal([&] { peft_options(o, without); }), "without-adapter goes with `format` hf or gguf");
  EXPECT_EQ(refusal([&] { gguf_lora_options(o, without); }), "without-adapter goes with `format` hf or gguf");
}

struct Excludes final : OptionVisitor {
  void option(const OptionInfo& info, std::unique_ptr<OptionValue>) override { of[info.key] = info.excludes; }
  std::map<std::string, std::vector<std::string>> of;
};

TEST(ExportOptions, AnAdapterIsNotNamedAndLeftOut) {
  ExportOptions o;
  Excludes excludes;
  describe(excludes, o);
  EXPECT_EQ(excludes.of["without-adapter"], (std::vector<std::string>{"keep-adapter", "adapter"}));
}

TEST(ExportOptions, IdentityOfADirectory) {
  HfExportOptions o;
  const nlohmann::json plain = job_identity(o, "hash", nullptr);
  EXPECT_EQ(plain["dtype"], "source");
  EXPECT_EQ(plain["max_shard_bytes"], 5'000'000'000);
  o.dtype = DType::kBf16;
  EXPECT_EQ(job_identity(o, "hash", nullptr)["dtype"], "BF16") << "as older versions wrote it";
  EXPECT_NE(job_identity(o, "hash", "adapter"), job_identity(o, "hash", nullptr));
}

}  // namespace
}  // namespace lq
