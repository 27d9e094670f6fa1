#include "eval/answer_store.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::TempDir;

TEST(AnswerStore, KeepsWhatWasPut) {
  const TempDir dir;
  {
    AnswerStore store(dir / "answers");
    store.put(3, "q", {1, "two"});
    store.put(0, "", nullptr);
    EXPECT_EQ(*store.find(3, "q"), nlohmann::json({1, "two"}));
  }
  const AnswerStore store(dir / "answers");
  EXPECT_EQ(*store.find(3, "q"), nlohmann::json({1, "two"}));
  EXPECT_EQ(store.find(3, "another"), nullptr);
  EXPECT_TRUE(store.find(0, "")->is_null());
  EXPECT_EQ(store.find(1, ""), nullptr);
}

TEST(AnswerStore, LosesAHalfWrittenLineOnly) {
  const TempDir dir;
  io_test::put_file(dir / "answers", "[0,\"a\",[1]]\n[1,\"b\",[2");
  {
    AnswerStore store(dir / "answers");
    EXPECT_EQ(store.find(1, "b"), nullptr);
    store.put(1, "b", nlohmann::json::array({5}));
  }
  const AnswerStore store(dir / "answers");
  EXPECT_EQ(*store.find(0, "a"), nlohmann::json::array({1}));
  EXPECT_EQ(*store.find(1, "b"), nlohmann::json::array({5}));
}

TEST(AnswerStore, RefusesWhatIsNoAnswer) {
  const TempDir dir;
  for (const char* text : {"zero\n", "[0,\"a\"]\n", "[\"0\",\"a\",1]\n", "[0,1,2]\n", "\n"}) {
    io_test::put_file(dir / "answers", text);
    EXPECT_THROW(AnswerStore(dir / "answers"), Error) << text;
  }
}

}  // namespace
}  // namespace lq
