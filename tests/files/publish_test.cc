#include "files/publish.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::get_file;
using io_test::put_file;
using io_test::TempDir;

TEST(Publish, InnerPathsStayBelow) {
  for (const std::string path : {"a", "a/b.c", ".hidden", "a..b"}) EXPECT_TRUE(is_inner_path(path)) << path;
  for (const std::string path :
       {"", "/a", "..", "../a", "a/../b", "a/..", ".", "./a", "a/", ".work", ".work/x"}) {
    EXPECT_FALSE(is_inner_path(path)) << path;
  }
  EXPECT_FALSE(is_inner_path(std::string("a\0b", 3)));
}

TEST(Publish, WhatMakesAFolderLookFinishedComesLast) {
  const TempDir dir;
  for (const char* name : {"config.json", "lqlora.json", "z.json", "adapter/config.json", "a"}) {
    put_file(dir / name, "x");
  }
  EXPECT_EQ(files_to_publish(dir.path()),
            (std::vector<std::string>{"a", "adapter/config.json", "z.json", "lqlora.json", "config.json"}));
  put_file(dir / "adapter/.m.safetensors.partial", "x");
  expect_error(ErrorCode::kInvalidArgument, {"m.safetensors.partial", "still being written"},
               [&] { files_to_publish(dir.path()); });
}

const std::vector<std::string> kFiles = {"adapter/w", "model", "lqlora.json", "config.json"};

// OUT with an older result, and a new one ready in OUT/.work/final.
void prepare(const std::filesystem::path& out) {
  for (const char* name : {"config.json", "lqlora.json", "model", "old/shard"}) put_file(out / name, "old");
  for (const std::string& name : kFiles) put_file(out / ".work/final" / name, "new");
  put_file(out / ".work/store/piece", "kept");
  record_publish(out / ".work", kFiles, {"old/shard"});
}

void expect_published(const std::filesystem::path& out) {
  const std::set<std::string> expected = {"adapter", "adapter/w", "model", "lqlora.json", "config.json"};
  EXPECT_EQ(io_test::names_below(out), expected);
  for (const std::string& name : kFiles) EXPECT_EQ(get_file(out / name), "new") << name;
}

TEST(Publish, RollsForwardFromWhereverItStopped) {
  // The steps in their order: remove config.json, lqlora.json, the obsolete file; move the four files; clean
  // up.
  for (int done = 0; done <= 8; ++done) {
    SCOPED_TRACE(done);
    const TempDir dir;
    const auto out = dir / "out";
    prepare(out);
    if (done >= 1) std::filesystem::remove(out / "config.json");
    if (done >= 2) std::filesystem::remove(out / "lqlora.json");
    if (done >= 3) std::filesystem::remove(out / "old/shard");
    if (done >= 4) std::filesystem::create_directories(out / "adapter");
    for (int i = 0; i < std::min(4, done - 4); ++i) {
      const std::string& file = kFiles[static_cast<std::size_t>(i)];
      std::filesystem::rename(out / ".work/final" / file, out / file);
    }
    if (done == 8) std::filesystem::remove_all(out / ".work/final");  // within the clean-up
    roll_forward(out, out / ".work");
    std::filesystem::remove(out / "old");  // an emptied folder may stay when the kill fell between
    expect_published(out);
    EXPECT_FALSE(publish_recorded(out / ".work"));
  }
}

TEST(Publish, OldAndNewNeverLookLikeOneModel) {
  // A file that cannot be moved stops the publication in the middle: no config.json may be seen then.
  const TempDir dir;
  const auto out = dir / "out";
  prepare(out);
  std::filesystem::remove(out / "model");
  put_file(out / "model/in/the/way", "x");
  expect_error(ErrorCode::kIo, {"model", "directory"}, [&] { roll_forward(out, out / ".work"); });
  EXPECT_FALSE(std::filesystem::exists(out / "config.json"));
  EXPECT_FALSE(std::filesystem::exists(out / "lqlora.json"));
  std::filesystem::remove_all(out / "model");
  roll_forward(out, out / ".work");
  expect_published(out);
}

TEST(Publish, RefusesRecordsThatReachOutside) {
  const TempDir dir;
  const auto out = dir / "out";
  put_file(dir / "precious", "x");
  for (const char* record :
       {R"({"files":["../precious"],"obsolete":[]})", R"({"files":[],"obsolete":["../precious"]})",
        R"({"files":[],"obsolete":["/etc/passwd"]})", R"({"files":[1],"obsolete":[]})", R"({"files":[]})",
        R"({"obsolete":[]})", "[]", "{"}) {
    put_file(out / ".work/publish.json", record);
    expect_error(ErrorCode::kCorruptFile, {"publish.json"}, [&] { roll_forward(out, out / ".work"); });
  }
  put_file(out / ".work/publish.json", R"({"files":["lost"],"obsolete":[]})");
  expect_error(ErrorCode::kIo, {"lost while"}, [&] { roll_forward(out, out / ".work"); });
  EXPECT_EQ(get_file(dir / "precious"), "x");
}

}  // namespace
}  // namespace lq
