#include "models/families/olmo2.h"

#include <gtest/gtest.h>

#include "models/decoder_config.h"

namespace lq {
namespace {

TEST(Olmo2Family, NormsStandAfterTheBranches) {
  auto json = decoder_config("Olmo2ForCausalLM", "olmo2");
  const ModelSpec spec = spec_of(json);
  EXPECT_EQ(spec.blocks[0].place, NormPlace::kBranch);
  EXPECT_EQ(spec.blocks[0].attention.qk_norm, QkNorm::kWholeWidth);
  EXPECT_FLOAT_EQ(spec.blocks[0].norm.eps, 1e-5F);
  int norms = 0;
  for (const ModelTensor& t : model_tensors(spec, model_family(config_of(json)).names)) {
    if (t.role == Role::kKNorm) {
      EXPECT_EQ(t.shape, (Shape{16}));
    }
    norms += t.shape.size() == 1 ? 1 : 0;
    EXPECT_NE(t.role, Role::kAttentionNorm);
  }
  EXPECT_EQ(norms, 9);  // q, k and two after branches in each layer, and the last
  json["clip_qkv"] = 8.0;
  EXPECT_THROW(spec_of(json), Error);
}

}  // namespace
}  // namespace lq
