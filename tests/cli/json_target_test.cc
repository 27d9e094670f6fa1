#include "cli/json_target.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/io_test_util.h"

namespace lq::cli {
namespace {

TEST(JsonTarget, IsNoFileThatTheCommandReads) {
  const io_test::TempDir folder;
  const std::string text = (folder / "text.jsonl").string(), other = (folder / "other.json").string();
  std::ofstream(text) << "{}\n";
  std::ofstream(other) << "{}\n";
  const auto check = [&](const std::string& file, std::vector<std::string> words) {
    words.insert(words.end(), {"eval", "--json", file});
    check_json_target(file, words);
  };
  const auto refused = [&](const std::string& file, const std::vector<std::string>& words) {
    io_test::expect_error(ErrorCode::kInvalidArgument, {"--json", "would take its place"},
                          [&] { check(file, words); });
  };
  check(other, {"--data", text});
  check((folder / "new.json").string(), {"--data", text, "-o", (folder / "new.json").string()});
  check("-", {"--data", "-"});
  check("", {""});
  refused(text, {"--data", text});
  refused(text, {"--data=" + text});
  refused((folder / "." / "text.jsonl").string(), {text});
}

}  // namespace
}  // namespace lq::cli
