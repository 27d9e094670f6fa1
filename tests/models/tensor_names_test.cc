#include "models/tensor_names.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(TensorNames, NamesModulesInAndOutsideBlocks) {
  const TensorNames names{.block = "transformer.h.",
                          .modules = {{Role::kEmbedding, "transformer.wte"}, {Role::kO, "attn.c_proj"}}};
  EXPECT_EQ(names.module(Role::kEmbedding), "transformer.wte");
  EXPECT_EQ(names.module(Role::kO, 11), "transformer.h.11.attn.c_proj");
  EXPECT_THROW(names.module(Role::kQ, 0), Error);          // not named
  EXPECT_THROW(names.module(Role::kO), Error);             // of which block?
  EXPECT_THROW(names.module(Role::kEmbedding, 0), Error);  // of none
}

}  // namespace
}  // namespace lq
