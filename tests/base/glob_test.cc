#include "base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace lq {
namespace {

TEST(GlobMatch, StarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*", "anything"));
  EXPECT_TRUE(glob_match("model.layers.?.mlp.*", "model.layers.3.mlp.up_proj.weight"));
  EXPECT_FALSE(glob_match("model.layers.?.mlp.*", "model.layers.13.mlp.up_proj.weight"));
  EXPECT_TRUE(glob_match("*q_proj*", "self_attn.q_proj.weight"));
  EXPECT_TRUE(glob_match("a*b*c", "aXbbYbc"));
  EXPECT_FALSE(glob_match("a*b*c", "aXbbYb"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_TRUE(glob_match("[x]", "[x]"));  // no character classes
  // Linear in practice: no exponential backtracking.
  EXPECT_FALSE(glob_match(std::string(40, '*') + "b", std::string(5000, 'a')));
  EXPECT_FALSE(glob_match("*a*a*a*a*a*a*a*a*b", std::string(300, 'a')));
}

TEST(GlobMatch, NoByteIsSpecialToAStar) {
  EXPECT_TRUE(glob_match("*.json", "onnx/config.json"));
  EXPECT_TRUE(glob_match("model_?????_of_*.safetensors", "model_00001_of_00002.safetensors"));
  EXPECT_FALSE(glob_match("model_?????_of_*.safetensors", "model_1_of_2.safetensors"));
  EXPECT_TRUE(glob_match("a.b", "a.b"));
  EXPECT_FALSE(glob_match("a.b", "axb"));
}

}  // namespace
}  // namespace lq
