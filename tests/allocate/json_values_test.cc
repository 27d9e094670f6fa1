#include "allocate/json_values.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

TEST(JsonValues, TextIsEmptyWhereThereIsNone) {
  const nlohmann::json object = {{"method", "lq"}, {"model", nullptr}, {"rank", 8}};
  EXPECT_EQ(text_at(object, "method", "t.json"), "lq");
  EXPECT_EQ(text_at(object, "model", "t.json"), "");
  EXPECT_EQ(text_at(object, "weights", "t.json"), "");
  try {
    text_at(object, "rank", "t.json");
    ADD_FAILURE() << "a number passed for text";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
    EXPECT_STREQ(e.what(), "t.json: \"rank\" is a number, but must be text");
  }
}

}  // namespace
}  // namespace lq
