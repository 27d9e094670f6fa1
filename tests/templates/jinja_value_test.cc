#include "templates/jinja_value.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq::jinja {
namespace {

TEST(JinjaValue, KeepsTheOrderOfKeysAndFindsThemAmongMany) {
  auto json = nlohmann::ordered_json::object();
  for (int i = 20; i > 0; --i) json[std::to_string(i)] = i;
  const Value value = from_json(json);
  ASSERT_EQ(value.dict().size(), 20U);
  EXPECT_EQ(value.dict().entries().front().first.text(), "20");
  EXPECT_EQ(value.dict().find(std::string_view("7"))->whole(), 7);
  EXPECT_EQ(value.dict().find(std::string_view("21")), nullptr);
  auto dict = std::make_shared<Dict>(value.dict());
  dict->set(Value("7"), Value("seven"));
  dict->set(Value(true), Value("yes"));
  EXPECT_EQ(dict->size(), 21U);
  EXPECT_EQ(dict->find(Value("7"))->text(), "seven");
  EXPECT_EQ(dict->find(Value(std::int64_t{1}))->text(), "yes");  // as Python has it: 1 == True
}

TEST(JinjaValue, ComparesAndPrintsAsPython) {
  EXPECT_TRUE(equal(Value(1.0), Value(true)));
  EXPECT_FALSE(equal(Value("1"), Value(std::int64_t{1})));
  EXPECT_FALSE(equal(Value(std::vector<Value>{}), Value(std::vector<Value>{}, ListKind::kTuple)));
  EXPECT_TRUE(equal(Value(), Value::undefined("x")));
  EXPECT_EQ(float_text(1e22), "1e+22");
  EXPECT_EQ(float_text(-0.0), "-0.0");
  EXPECT_EQ(to_text(Value(std::vector<Value>{Value("it's"), Value(None{}), Value(2.0)})),
            "[\"it's\", None, 2.0]");
  EXPECT_EQ(to_text(Value()), "");
  EXPECT_TRUE(truth(Value(std::vector<Value>{}, ListKind::kLazy)));
}

TEST(JinjaValue, RefusesWhatItCannotHold) {
  EXPECT_THROW(from_json(nlohmann::ordered_json(UINT64_MAX)), Error);
  auto deep = nlohmann::ordered_json::array();
  for (int i = 0; i < 300; ++i) deep = nlohmann::ordered_json::array({deep});
  EXPECT_THROW(from_json(deep), Error);
  EXPECT_EQ(from_json(nlohmann::ordered_json("a\xFF")).text(), "a\uFFFD");
}

}  // namespace
}  // namespace lq::jinja
