#include "files/toml_parse.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(TomlParse, SaysWhereATextIsNoToml) {
  EXPECT_EQ(parse_toml("a = 3", "r.toml")["a"].value<int>(), 3);
  try {
    parse_toml("a = 3\nb = \"x", "r.toml");
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
    EXPECT_EQ(std::string(e.what()).rfind("r.toml:2:", 0), 0U) << e.what();
  }
}

}  // namespace
}  // namespace lq
