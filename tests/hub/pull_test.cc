#include "hub/pull.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "hub/digest.h"
#include "hub/http.h"
#include "hub/test_server.h"
#include "support/io_test_util.h"

namespace lq::hub {
namespace {

using hub_test::Answer;
using hub_test::answer;
using hub_test::Asked;
using hub_test::TestServer;
using io_test::expect_error;
using io_test::get_file;
using io_test::put_file;

constexpr const char* kHead = "0123456789abcdef0123456789abcdef01234567";

std::string sha1_of(const std::string& text) {
  Digest d(DigestKind::kSha1);
  d.update("blob " + std::to_string(text.size()));
  d.update(std::string_view("\0", 1));
  d.update(text);
  return d.hex();
}

std::string sha256_of(const std::string& text) {
  Digest d(DigestKind::kSha256);
  d.update(text);
  return d.hex();
}

// A hub with one model: small files by SHA-1, weights elsewhere by SHA-256.
class PullTest : public testing::Test {
 protected:
  PullTest() {
    ::unsetenv("HF_TOKEN");
    for (int i = 0; i < 300000; ++i) weights_ += static_cast<char>('a' + std::int64_t{i} * i % 23);
    files_ = {{"config.json", "{\"a\": 1}"},
              {"README.md", "read"},
              {"empty.json", ""},
              {"model.safetensors", weights_}};
  }
  void SetUp() override {
    if (!http_available()) GTEST_SKIP() << "built without libcurl";
  }

  Answer usual(const Asked& asked) {
    if (asked.path == "/api/models/org/name/revision/main") {
      std::string siblings;
      for (const auto& [name, content] : files_) {
        siblings += (siblings.empty() ? "" : ",") + ("{\"rfilename\": \"" + name + "\"}");
      }
      return answer("200 OK", "Content-Type: application/json\r\n",
                    std::string("{\"sha\": \"") + kHead + "\", \"siblings\": [" + siblings + "]}");
    }
    if (asked.path == "/cdn") return whole_or_rest(asked, weights_);
    const std::string prefix = std::string("/org/name/resolve/") + kHead + "/";
    if (!asked.path.starts_with(prefix)) return answer("404 Not Found", "", "");
    const std::string name = asked.path.substr(prefix.size());
    if (name == "model.safetensors") {
      return answer("302 Found",
                    "Location: /cdn\r\nX-Linked-ETag: \"" + sha256_of(weights_) +
                        "\"\r\nX-Linked-Size: " + std::to_string(weights_.size()) + "\r\n",
                    "moved");
    }
    return answer("200 OK", "ETag: \"" + sha1_of(files_[name]) + "\"\r\n", files_[name]);
  }
  static Answer whole_or_rest(const Asked& asked, const std::string& content) {
    const std::size_t begin = asked.range();
    if (begin == 0) return answer("200 OK", "", content);
    return answer("206 Partial Content",
                  "Content-Range: bytes " + std::to_string(begin) + "-" + std::to_string(content.size() - 1) +
                      "/" + std::to_string(content.size()) + "\r\n",
                  content.substr(begin));
  }
  PullOptions options(const TestServer& server) {
    return {.repository = "org/name",
            .endpoint = server.url(),
            .cache = dir_.path(),
            .tries = 3,
            .wait_seconds = 0.0};
  }
  PullReport run(const PullOptions& o) { return pull(o, progress_, {}); }
  std::filesystem::path repository() const { return dir_.path() / "models--org--name"; }
  std::filesystem::path partial() const {
    return repository() / "blobs" / (sha256_of(weights_) + ".incomplete");
  }

  io_test::TempDir dir_;
  NoProgress progress_;
  std::string weights_;
  std::map<std::string, std::string> files_;
};

TEST_F(PullTest, AModelComesIntoTheHubsLayout) {
  TestServer server([&](const Asked& asked) { return usual(asked); });
  const PullReport report = run(options(server));
  EXPECT_EQ(report.commit, kHead);
  EXPECT_EQ(report.files, (std::vector<std::string>{"config.json", "empty.json", "model.safetensors"}));
  EXPECT_EQ(report.downloaded, 3);
  EXPECT_EQ(report.snapshot, repository() / "snapshots" / kHead);
  EXPECT_EQ(get_file(report.snapshot / "model.safetensors"), weights_);
  EXPECT_EQ(get_file(report.snapshot / "empty.json"), "");
  EXPECT_TRUE(std::filesystem::is_symlink(report.snapshot / "config.json"));
  EXPECT_EQ(get_file(repository() / "refs" / "main"), kHead);
  // Again: nothing comes twice. And one file alone, by a glob.
  EXPECT_EQ(run(options(server)).downloaded, 0);
  PullOptions one = options(server);
  one.files = {"*.md"};
  EXPECT_EQ(run(one).files, std::vector<std::string>{"README.md"});
  // Offline: what is there.
  one.offline = true;
  one.endpoint = "http://127.0.0.1:1";
  EXPECT_EQ(run(one).files, std::vector<std::string>{"README.md"});
  one.files = {"*.gguf"};
  expect_error(ErrorCode::kNotFound, {"org/name@main: none of its 4 files"}, [&] { run(one); });
  one.repository = "org/other";
  expect_error(ErrorCode::kNotFound, {"org/other@main: not in the cache"}, [&] { run(one); });
}

TEST_F(PullTest, ADownloadThatIsCutOffGoesOn) {
  int cuts = 0;
  TestServer server([&](const Asked& asked) {
    Answer a = usual(asked);
    if (asked.path == "/cdn" && asked.method == "GET" && cuts < 2) {
      ++cuts;
      a.bytes.resize(a.bytes.size() / 2);
    }
    return a;
  });
  const PullReport report = run(options(server));
  EXPECT_EQ(get_file(report.snapshot / "model.safetensors"), weights_);
  EXPECT_EQ(cuts, 2);
  std::vector<std::size_t> begins;
  for (const Asked& asked : server.asked()) {
    if (asked.path == "/cdn") begins.push_back(asked.range());
  }
  ASSERT_EQ(begins.size(), 3U);
  EXPECT_EQ(begins[0], 0U);
  EXPECT_GT(begins[1], 100000U);
  EXPECT_GT(begins[2], begins[1]);
}

TEST_F(PullTest, AServerThatIgnoresRangesStartsAnew) {
  put_file(partial(), "left by another run");
  TestServer server([&](const Asked& asked) {
    return asked.path == "/cdn" ? answer("200 OK", "", weights_) : usual(asked);
  });
  EXPECT_EQ(get_file(run(options(server)).snapshot / "model.safetensors"), weights_);
}

TEST_F(PullTest, AStallIsGivenUpAndNamed) {
  TestServer server([&](const Asked& asked) {
    Answer a = usual(asked);
    if (asked.path == "/cdn") {
      a.bytes.resize(a.bytes.size() / 2);
      a.silent_seconds = 20.0;
    }
    return a;
  });
  PullOptions o = options(server);
  o.stall_seconds = 1.0;
  o.tries = 1;
  expect_error(ErrorCode::kIo, {"model.safetensors", "nothing has come for too long"}, [&] { run(o); });
  EXPECT_GT(std::filesystem::file_size(partial()), 100000U) << "what came stays";
  EXPECT_FALSE(std::filesystem::exists(repository() / "refs" / "main"));
}

TEST_F(PullTest, LiesAreFound) {
  const auto with = [&](const std::function<void(const Asked&, Answer&)>& change) {
    return std::make_unique<TestServer>([this, change](const Asked& asked) {
      Answer a = usual(asked);
      change(asked, a);
      return a;
    });
  };
  auto server = with([&](const Asked& asked, Answer& a) {
    if (asked.path == "/cdn") a = answer("200 OK", "", weights_ + "more");
  });
  expect_error(ErrorCode::kCorruptFile, {"more than the 300000 bytes"}, [&] { run(options(*server)); });
  EXPECT_FALSE(std::filesystem::exists(partial()));
  std::string other = weights_;
  other[5] = '!';
  server = with([&](const Asked& asked, Answer& a) {
    if (asked.path == "/cdn") a = answer("200 OK", "", other);
  });
  expect_error(ErrorCode::kCorruptFile, {"has the hash", "discarded"}, [&] { run(options(*server)); });
  EXPECT_FALSE(std::filesystem::exists(partial()));
  put_file(partial(), weights_.substr(0, 1000));
  server = with([&](const Asked& asked, Answer& a) {
    if (asked.path == "/cdn")
      a = answer("206 Partial Content", "Content-Range: bytes 5-9/10\r\n", weights_.substr(5));
  });
  expect_error(ErrorCode::kCorruptFile, {"asked for what follows byte 1000"}, [&] { run(options(*server)); });
  server = with([&](const Asked& asked, Answer& a) {
    if (asked.path.starts_with("/api"))
      a = answer("200 OK", "Content-Type: text/html\r\n", "<html>log in</html>");
  });
  expect_error(ErrorCode::kCorruptFile, {"no JSON object (it begins \"<html>"},
               [&] { run(options(*server)); });
  server = with([&](const Asked& asked, Answer& a) {
    if (asked.path.ends_with("config.json")) a = answer("200 OK", "ETag: \"abc\"\r\n", "{}");
  });
  expect_error(ErrorCode::kCorruptFile, {"config.json", "no hash"}, [&] { run(options(*server)); });
  server = with([&](const Asked& asked, Answer& a) {
    if (asked.path.starts_with("/api")) a = answer("302 Found", "Location: " + asked.path + "\r\n", "");
  });
  PullOptions once = options(*server);
  once.tries = 1;
  EXPECT_THROW(run(once), Error);
}

TEST_F(PullTest, RefusalsSayWhatToDo) {
  std::string status = "401 Unauthorized";
  TestServer server([&](const Asked&) { return answer(status, "X-Error-Message: gated repo\r\n", ""); });
  expect_error(ErrorCode::kNotFound,
               {"org/name@main: the hub refuses access (401)", "HF_TOKEN", "gated repo"},
               [&] { run(options(server)); });
  status = "404 Not Found";
  expect_error(ErrorCode::kNotFound, {"org/name@main: not on the hub"}, [&] { run(options(server)); });
  status = "503 Busy";
  const std::size_t before = server.asked().size();
  expect_error(ErrorCode::kIo, {"the hub answers 503"}, [&] { run(options(server)); });
  EXPECT_EQ(server.asked().size() - before, 3U) << "tried again";
  PullOptions none = options(server);
  none.endpoint = "ftp://x";
  expect_error(ErrorCode::kInvalidArgument, {"HF_ENDPOINT"}, [&] { run(none); });
}

TEST_F(PullTest, TheTokenGoesToTheHubOnly) {
  ::setenv("HF_TOKEN", "hf_secret", 1);
  TestServer elsewhere([&](const Asked& asked) { return whole_or_rest(asked, weights_); });
  TestServer server([&](const Asked& asked) {
    Answer a = usual(asked);
    const std::size_t at = a.bytes.find("Location: /cdn");
    // Another port is another place.
    if (at != std::string::npos) a.bytes.replace(at, 14, "Location: " + elsewhere.url() + "/cdn");
    return a;
  });
  run(options(server));
  ::unsetenv("HF_TOKEN");
  for (const Asked& asked : server.asked())
    EXPECT_NE(asked.headers.find("Bearer hf_secret"), std::string::npos);
  ASSERT_FALSE(elsewhere.asked().empty());
  for (const Asked& asked : elsewhere.asked()) EXPECT_EQ(asked.headers.find("hf_secret"), std::string::npos);
}

TEST(Pull, WhatAModelNeeds) {
  const std::vector<std::string> files = {"README.md",       "config.json",       "model.safetensors",
                                          "onnx/model.onnx", "pytorch_model.bin", "tokenizer.model"};
  EXPECT_EQ(wanted_files(files, {}),
            (std::vector<std::string>{"config.json", "model.safetensors", "tokenizer.model"}));
  EXPECT_EQ(wanted_files(files, {"onnx/*", "READ?E.md"}),
            (std::vector<std::string>{"README.md", "onnx/model.onnx"}));
  EXPECT_EQ(wanted_files({"a.bin", "m.gguf", "train.jsonl"}, {}),
            (std::vector<std::string>{"m.gguf", "train.jsonl"}));
}

}  // namespace
}  // namespace lq::hub
