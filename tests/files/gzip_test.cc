#include "files/gzip.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  const Rng rng(1);
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(rng.words(i)[0]);
  return text;
}

TEST(Gzip, RoundTrips) {
  for (const std::string& text :
       {std::string(), std::string("a"), noise(1), noise(200'000), std::string(3'000'000, 'x')}) {
    EXPECT_EQ(gunzip(gzip(text), 4'000'000, "g"), text);
  }
  EXPECT_EQ(gunzip(gzip("one ") + gzip("two"), 100, "g"), "one two");
}

TEST(Gzip, RefusesDamage) {
  const std::string whole = gzip(noise(1000));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_error(ErrorCode::kCorruptFile, {"g: cut short"},
                 [&] { gunzip(whole.substr(0, size), 10'000, "g"); });
  }
  std::string bad = whole;
  bad[bad.size() - 6] = static_cast<char>(bad[bad.size() - 6] ^ 1);  // its checksum
  expect_error(ErrorCode::kCorruptFile, {"g: not gzip, or damaged"}, [&] { gunzip(bad, 10'000, "g"); });
  expect_error(ErrorCode::kCorruptFile, {"g: not gzip"}, [&] { gunzip("{\"plain\": 1}", 10'000, "g"); });
  expect_error(ErrorCode::kCorruptFile, {"g: "}, [&] { gunzip(whole + "trailing", 10'000, "g"); });
}

TEST(Gzip, InflatesNoMoreThanTheLimit) {
  const std::string bomb = gzip(std::string(50'000'000, '\0'));
  EXPECT_LT(bomb.size(), 100'000U);
  expect_error(ErrorCode::kCorruptFile, {"more than 1000000 bytes"}, [&] { gunzip(bomb, 1'000'000, "g"); });
}

}  // namespace
}  // namespace lq
