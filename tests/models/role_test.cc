#include "models/role.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace lq {
namespace {

TEST(Role, EveryRoleHasANameOfItsOwn) {
  std::set<std::string> names;
  int roles = 0, linears = 0, norms = 0, outside = 0;
  for (int i = static_cast<int>(Role::kEmbedding); i <= static_cast<int>(Role::kDown); ++i) {
    const auto role = static_cast<Role>(i);
    names.emplace(role_name(role));
    ++roles;
    linears += is_linear(role) ? 1 : 0;
    norms += is_norm(role) ? 1 : 0;
    EXPECT_FALSE(is_norm(role) && is_linear(role)) << role_name(role);
    outside += in_block(role) ? 0 : 1;
  }
  EXPECT_EQ(static_cast<int>(names.size()), roles);
  // qkv, q, k, v, o, gate_up, gate, up, down, an expert's three, the head and its dense layer, labels' two
  EXPECT_EQ(linears, 16);
  // before and after attention and the feed-forward part, of queries, of keys, of embeddings, the last
  EXPECT_EQ(norms, 8);
  EXPECT_EQ(outside, 10);
  EXPECT_TRUE(is_linear(Role::kHead) && !is_linear(Role::kQNorm));
}

}  // namespace
}  // namespace lq
