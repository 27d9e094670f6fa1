#include "decompose/methods.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace lq {
namespace {

TEST(Methods, TheTableIsInTheOrderOfTheEnumAndNamesComeBack) {
  std::string names;
  std::size_t at = 0;
  for (const MethodTraits& m : decompose_methods()) {
    EXPECT_EQ(static_cast<std::size_t>(m.method), at++);
    EXPECT_EQ(parse_decompose_method(m.name), m.method);
    EXPECT_EQ(decompose_method_name(m.method), m.name);
    EXPECT_EQ(&method_traits(m.method), &m);
    EXPECT_FALSE(m.help.empty());
    EXPECT_TRUE(m.factors || m.iterations == 1) << m.name;
    names += std::string(m.name) + ' ';
  }
  EXPECT_EQ(names, "lq loftq lorc qlora gptq ");
  try {
    parse_decompose_method("svd");
    ADD_FAILURE() << "parsed";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "unknown method 'svd'; choose from lq, loftq, lorc, qlora, gptq");
  }
}

}  // namespace
}  // namespace lq
