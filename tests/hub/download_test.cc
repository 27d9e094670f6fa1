#include "hub/download.h"

#include <gtest/gtest.h>

#include "hub/digest.h"
#include "hub/test_server.h"
#include "support/io_test_util.h"

namespace lq::hub {
namespace {

using hub_test::answer;
using hub_test::Answer;
using hub_test::Asked;
using hub_test::TestServer;
using io_test::expect_error;

std::string hash_of(const std::string& text) {
  Digest digest(DigestKind::kSha256);
  digest.update(text);
  return digest.hex();
}

class DownloadTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!http_available()) GTEST_SKIP() << "built without libcurl";
  }
  std::filesystem::path blob() const { return cache_.blob(file_.etag); }
  std::filesystem::path partial() const { return blob().string() + ".incomplete"; }
  // What the server of `on_request` leaves; `name` stands in messages.
  void fetch(const std::function<Answer(const Asked&)>& on_request) {
    const TestServer server(on_request);
    seen_.clear();
    download(
        {.url = server.url() + "/file", .token = "", .name = "org/name weights"}, file_, cache_,
        [this](std::int64_t bytes) { seen_.push_back(bytes); }, StopToken());
  }

  io_test::TempDir dir_;
  std::string content_ = "what the hub has, " + std::string(5000, 'x');
  FileAnswer file_ = {hash_of(content_), static_cast<std::int64_t>(content_.size())};
  HubCache cache_{dir_.path(), parse_repository("org/name", "test")};
  std::vector<std::int64_t> seen_;
};

TEST_F(DownloadTest, FetchesTheWhole) {
  fetch([this](const Asked&) { return answer("200 OK", "", content_); });
  EXPECT_EQ(io_test::get_file(blob()), content_);
  EXPECT_FALSE(std::filesystem::exists(partial()));
  ASSERT_FALSE(seen_.empty());
  EXPECT_EQ(seen_.back(), file_.size);
}

TEST_F(DownloadTest, GoesOnBehindWhatIsThere) {
  std::filesystem::create_directories(partial().parent_path());
  io_test::put_file(partial(), content_.substr(0, 1000));
  std::size_t from = 0;
  fetch([&](const Asked& asked) {
    from = asked.range();
    return answer("206 Partial Content", "Content-Range: bytes 1000-5017/5018\r\n", content_.substr(1000));
  });
  EXPECT_EQ(from, 1000U);
  EXPECT_EQ(io_test::get_file(blob()), content_);
  // A server that knows no ranges sends all of it.
  std::filesystem::remove(blob());
  io_test::put_file(partial(), "another beginning");
  fetch([this](const Asked&) { return answer("200 OK", "", content_); });
  EXPECT_EQ(io_test::get_file(blob()), content_);
  // More than the whole is there: it is no part of it.
  std::filesystem::remove(blob());
  io_test::put_file(partial(), content_ + "more");
  fetch([this](const Asked& asked) { return answer("200 OK", "", asked.range() == 0 ? content_ : ""); });
  EXPECT_EQ(io_test::get_file(blob()), content_);
}

TEST_F(DownloadTest, KeepsWhatCameOfALineThatBreaks) {
  const auto broken = [this](const Asked&) {
    return Answer{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5018\r\n\r\n" +
                  content_.substr(0, 700)};
  };
  expect_error(ErrorCode::kIo, {"/file: "}, [&] { fetch(broken); });
  EXPECT_EQ(io_test::get_file(partial()), content_.substr(0, 700));
  EXPECT_FALSE(std::filesystem::exists(blob()));
}

TEST_F(DownloadTest, DiscardsWhatIsNotWhatWasAnnounced) {
  const auto changed = [this](const Asked&) {
    std::string other = content_;
    other[3] = '?';
    return answer("200 OK", "", other);
  };
  expect_error(ErrorCode::kCorruptFile, {"it is discarded"}, [&] { fetch(changed); });
  EXPECT_FALSE(std::filesystem::exists(partial()));
  const auto longer = [this](const Asked&) { return answer("200 OK", "", content_ + "more"); };
  expect_error(ErrorCode::kCorruptFile, {"more than the 5018 bytes"}, [&] { fetch(longer); });
  EXPECT_FALSE(std::filesystem::exists(partial()));
  std::filesystem::create_directories(partial().parent_path());
  io_test::put_file(partial(), content_.substr(0, 1000));
  const auto elsewhere = [this](const Asked&) {
    return answer("206 Partial Content", "Content-Range: bytes 900-5017/5018\r\n", content_.substr(900));
  };
  expect_error(ErrorCode::kCorruptFile, {"asked for what follows byte 1000"}, [&] { fetch(elsewhere); });
  EXPECT_FALSE(std::filesystem::exists(blob()));
}

TEST_F(DownloadTest, SaysWhatTheHubSays) {
  const auto says = [](const std::string& status) {
    return [status](const Asked&) { return answer(status, "", "no"); };
  };
  expect_error(ErrorCode::kNotFound, {"not on the hub"}, [&] { fetch(says("404 Not Found")); });
  expect_error(ErrorCode::kNotFound, {"HF_TOKEN"}, [&] { fetch(says("403 Forbidden")); });
  expect_error(ErrorCode::kIo, {"answers 429"}, [&] { fetch(says("429 Too Many Requests")); });
  expect_error(ErrorCode::kIo, {"answers 503"}, [&] { fetch(says("503 Service Unavailable")); });
  expect_error(ErrorCode::kCorruptFile, {"none of its answers"}, [&] { fetch(says("418 Teapot")); });
  EXPECT_FALSE(std::filesystem::exists(partial()));
}

}  // namespace
}  // namespace lq::hub
