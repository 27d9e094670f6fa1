#include "data/whole_numbers.h"

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using Json = nlohmann::ordered_json;

TEST(WholeNumbers, WideOnesAreToldFromTheirText) {
  for (const char* wide :
       {"18446744073709551616", "[-9223372036854775809]", "{\"a\": 1e5, \"b\":100000000000000000000}"})
    EXPECT_TRUE(has_wide_number(wide)) << wide;
  for (const char* narrow :
       {"18446744073709551615", "-9223372036854775808", "1e30", "100000000000000000000.0",
        "1.00000000000000000000001", "\"100000000000000000000\"",
        "{\"a\\\"\": \"\\\\\", \"100000000000000000000\": 1}", "[]"})
    EXPECT_FALSE(has_wide_number(narrow)) << narrow;
}

TEST(WholeNumbers, InsideOfListsAndObjectsTheyAreRefused) {
  const auto check = [](const std::string& text) { check_whole_numbers(text, Json::parse(text), "f:1"); };
  const std::string wide = "12345678901234567890123";
  EXPECT_NO_THROW(check("{\"id\": " + wide + ", \"text\": \"t\"}")) << "no template writes it";
  EXPECT_NO_THROW(check("{\"messages\": [{\"n\": 1.2e22}]}"));
  expect_error(ErrorCode::kCorruptFile, {"f:1: a whole number of more than 64 bits"},
               [&] { check("{\"messages\": [{\"n\": " + wide + "}]}"); });
  expect_error(ErrorCode::kCorruptFile, {"f:1: "}, [&] { check("[{\"n\": -" + wide + "}]"); });
}

}  // namespace
}  // namespace lq
