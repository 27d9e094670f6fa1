#include "models/role.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace lq {
namespace {

TEST(Role, EveryRoleHasANameOfItsOwn) {
  std::set<std::string> names;
  int roles = 0, linears = 0, outside = 0;
  for (int i = static_cast<int>(Role::kEmbedding); i <= static_cast<int>(Role::kDown); ++i) {
    const auto role = static_cast<Role>(i);
    names.emplace(role_name(role));
    ++roles;
    linears += is_linear(role) ? 1 : 0;
    outside += in_block(role) ? 0 : 1;
  }
  EXPECT_EQ(static_cast<int>(names.size()), roles);
  // qkv, q, k, v, o, gate_up, gate, up, down, an expert's three, the head and its dense layer, labels' two
  EXPECT_EQ(linears, 16);
  EXPECT_EQ(outside, 10);
  EXPECT_TRUE(is_linear(Role::kHead) && !is_linear(Role::kQNorm));
}

}  // namespace
}  // namespace lq
