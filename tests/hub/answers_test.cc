#include "hub/answers.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq::hub {
namespace {

using io_test::expect_error;

TEST(Answers, Revisions) {
  const RevisionAnswer r = parse_revision(
      R"({"sha": "0123456789abcdef0123456789abcdef01234567", "private": false,
          "siblings": [{"rfilename": "b.json"}, {"rfilename": "a/c.txt", "size": 3}, {"rfilename": "b.json"}]})",
      "hub");
  EXPECT_EQ(r.commit, "0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(r.files, (std::vector<std::string>{"a/c.txt", "b.json"}));
  expect_error(ErrorCode::kCorruptFile, {"hub: the answer is no JSON object (it begins \"<!doctype html>"},
               [] { parse_revision("<!doctype html><html>", "hub"); });
  for (const char* bad :
       {"[]", "", R"({"sha": 3})", R"({"sha": "main"})",
        R"({"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": 1})",
        R"({"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": [{"rfilename": "../x"}]})"}) {
    EXPECT_THROW(parse_revision(bad, "hub"), Error) << bad;
  }
}

TEST(Answers, HashAndSizeOfAFile) {
  const std::string sha1(40, 'a');
  const std::string sha256(64, 'b');
  HttpResponse head;
  head.headers = {{"etag", "W/\"" + sha1 + "\""}, {"content-length", "12"}};
  EXPECT_EQ(parse_file(head, "f").etag, sha1);
  EXPECT_EQ(parse_file(head, "f").size, 12);
  head.headers["x-linked-etag"] = '"' + sha256 + '"';
  head.headers["x-linked-size"] = "123456789012";
  EXPECT_EQ(parse_file(head, "f").etag, sha256);
  EXPECT_EQ(parse_file(head, "f").size, 123456789012);
  head.headers["x-linked-size"] = "-1";
  expect_error(ErrorCode::kCorruptFile, {"f: no size"}, [&] { parse_file(head, "f"); });
  head.headers = {{"etag", "\"5f2a\""}, {"content-length", "12"}};
  expect_error(ErrorCode::kCorruptFile, {"f: its ETag \"5f2a\" is no hash"}, [&] { parse_file(head, "f"); });
  EXPECT_THROW(parse_file({}, "f"), Error);
}

TEST(Answers, Ranges) {
  EXPECT_EQ(range_begin("bytes 1000-1999/2000"), 1000);
  for (const char* bad : {"", "bytes", "bytes */5", "bytes -5-6/7", "items 1-2/3", "bytes 1"}) {
    EXPECT_EQ(range_begin(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace lq::hub
