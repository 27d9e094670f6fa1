#include "quant/codebook/codebook_config.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/error.h"

namespace lq {
namespace {

std::string message_of(const std::string& text) {
  try {
    parse_codebook_config(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    return e.what();
  }
  return "parsed";
}

TEST(CodebookConfig, ThereAre432InOneOrder) {
  const auto& all = all_nf_configs();
  ASSERT_EQ(all.size(), 432U);
  std::set<std::string> texts;
  for (const CodebookConfig& config : all) texts.insert(to_string(config));
  EXPECT_EQ(texts.size(), 432U);
  EXPECT_EQ(to_string(all[0]), "2,2,bf16,16,16");
  EXPECT_EQ(to_string(all[1]), "2,2,bf16,16,64");
  EXPECT_EQ(to_string(all[3]), "2,2,bf16,32,16");
  EXPECT_EQ(to_string(all[9]), "2,2,fp16,16,16");
  EXPECT_EQ(to_string(all[27]), "2,3,bf16,16,16");
  EXPECT_EQ(to_string(all[431]), "8,8,fp32,64,256");
}

TEST(CodebookConfig, CodesOf5And6BitsAreBesideThePapers) {
  EXPECT_EQ(every_codebook_config().size(), 648U);
  EXPECT_EQ(parse_codebook_config("5,4,fp16,64,256"), (CodebookConfig{5, 4, ScaleDType::kFp16, 64, 256}));
  EXPECT_DOUBLE_EQ(codebook_bits_per_weight(parse_codebook_config("6,4,fp16,32,64")),
                   6.0 + 4.0 / 32 + 16.0 / (32 * 64));
}

TEST(CodebookConfig, TextRoundTrips) {
  for (const CodebookConfig& config : every_codebook_config()) {
    EXPECT_EQ(parse_codebook_config(to_string(config)), config);
  }
  EXPECT_EQ(parse_codebook_config(" 3, 8 ,fp32, 64,256 "), uniform_codebook_config(3));
}

TEST(CodebookConfig, BadTextSaysWhatIsWrong) {
  EXPECT_NE(
      message_of("7,8,fp32,64,256").find("b (bits of a code) is 7, but must be one of 2, 3, 4, 5, 6, 8"),
      std::string::npos);
  EXPECT_NE(message_of("3,8,fp64,64,256").find("\"fp64\", but must be one of bf16, fp16, fp32"),
            std::string::npos);
  EXPECT_NE(message_of("3,8,fp32,64").find("4 parts, but must be five"), std::string::npos);
  EXPECT_NE(message_of("3,8,fp32,64,256,1").find("6 parts"), std::string::npos);
  EXPECT_NE(message_of("3,8,fp32,x,256").find("\"x\", but must be a whole number"), std::string::npos);
  EXPECT_NE(message_of("3,8,fp32,99999999999,256").find("whole number"), std::string::npos);
  EXPECT_NE(message_of("3,8,fp32,64,128").find("B1"), std::string::npos);
  EXPECT_NE(message_of("").find("1 parts"), std::string::npos);
  EXPECT_THROW(uniform_codebook_config(7), Error);
  EXPECT_NE(message_of("4,5,fp32,64,256").find("b0 (bits of a scale) is 5, but must be one of 2, 3, 4, 8"),
            std::string::npos);
}

TEST(CodebookConfig, BitsPerWeightIsThePapersFormula) {
  EXPECT_DOUBLE_EQ(codebook_bits_per_weight(uniform_codebook_config(4)), 4.0 + 8.0 / 64 + 32.0 / (64 * 256));
  EXPECT_DOUBLE_EQ(codebook_bits_per_weight(parse_codebook_config("2,3,bf16,16,16")),
                   2.0 + 3.0 / 16 + 16.0 / 256);
}

}  // namespace
}  // namespace lq
