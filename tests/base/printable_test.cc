#include "base/printable.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(Printable, OneLineOfBoundedLength) {
  EXPECT_EQ(printable("model.layers.0"), "model.layers.0");
  EXPECT_EQ(printable("a\nb\x1b[31m\x7f\xc3\xa9"), "a?b?[31m???");
  EXPECT_EQ(printable(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(printable(std::string(201, 'x')), std::string(200, 'x') + "...");
}

}  // namespace
}  // namespace lq
