#include "data/data_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

TEST(DataFiles, TheEndingTellsTheKind) {
  const std::pair<const char*, FileKind> cases[] = {
      {"a.jsonl", FileKind::kJson},    {"a.ndjson", FileKind::kJson},       {"a.jsonlines", FileKind::kJson},
      {"a.json", FileKind::kJson},     {"a.jl", FileKind::kJson},           {"A.JSONL", FileKind::kJson},
      {"a.jsonl.gz", FileKind::kJson}, {"a.json.zst", FileKind::kJson},     {"a.JSONL.XZ", FileKind::kJson},
      {"a.csv.bz2", FileKind::kCsv},   {"a.tsv", FileKind::kTsv},           {"a.tab", FileKind::kTsv},
      {"a.txt", FileKind::kText},      {"dir.jsonl/a", FileKind::kUnknown}, {"a.parquet", FileKind::kUnknown},
      {"jsonl", FileKind::kUnknown},   {"a.gz", FileKind::kUnknown},        {"a.json.txt", FileKind::kText},
  };
  for (const auto& [name, kind] : cases) EXPECT_EQ(kind_of_name(name), kind) << name;
}

TEST(DataFiles, FoldersAreReadInTheOrderOfTheirPaths) {
  const TempDir dir;
  for (const char* name : {"b.txt", "a/z.jsonl", "a/c.csv.gz", "notes.md", "model.safetensors"})
    put_file(dir / name, "x");
  const auto files = data_files(dir.path());
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0], dir / "a/c.csv.gz");
  EXPECT_EQ(files[1], dir / "a/z.jsonl");
  EXPECT_EQ(files[2], dir / "b.txt");
  EXPECT_EQ(data_files(dir / "notes.md"), std::vector{dir / "notes.md"});
  expect_error(ErrorCode::kNotFound, {"none"}, [&] { data_files(dir / "none"); });
}

TEST(DataFiles, DataThatIsNotReadIsSaid) {
  const TempDir dir;
  put_file(dir / "train-0.parquet", "PAR1");
  put_file(dir / "train-1.parquet", "PAR1");
  expect_error(ErrorCode::kNotFound,
               {"no data files", "train-0.parquet and 1 more such files cannot be read"},
               [&] { data_files(dir.path()); });
  put_file(dir / "a.jsonl", "{}");
  DataReport report;
  EXPECT_EQ(data_files(dir.path(), &report).size(), 1u);
  EXPECT_EQ(report.total(Finding::kFilePassedOver), 2);
  ASSERT_EQ(report.lines().size(), 1u);
  EXPECT_NE(report.lines()[0].find("2 .parquet file(s) passed over"), std::string::npos) << report.lines()[0];
}

TEST(DataFiles, HiddenOnesAreCountedAndNotRead) {
  const TempDir dir;
  for (const char* name : {"train.jsonl", ".train.jsonl", "._train.jsonl", ".ipynb_checkpoints/train.jsonl"})
    put_file(dir / name, "{}");
  DataReport report;
  EXPECT_EQ(data_files(dir.path(), &report), std::vector{dir / "train.jsonl"});
  EXPECT_EQ(report.total(Finding::kHiddenPassedOver), 3) << "two files and a folder";
  EXPECT_EQ(data_files(dir / ".train.jsonl"), std::vector{dir / ".train.jsonl"}) << "who names it gets it";
}

TEST(DataFiles, OutputsOfThisProgramAreNoData) {
  const TempDir dir;
  put_file(dir / "train.jsonl", "{}");
  put_file(dir / "out/lqlora.json", R"({"job": {"verb": "finetune"}})");
  put_file(dir / "out/adapter_config.json", "{}");
  put_file(dir / "grid/.compare.lock", "");
  put_file(dir / "grid/table.json", "{}");
  put_file(dir / "r.json.work/job.json", R"({"format": 1, "job": {"verb": "eval"}})");
  put_file(dir / "mine.work/lines.json", "{}");
  DataReport report;
  EXPECT_EQ(data_files(dir.path(), &report),
            (std::vector{dir / "mine.work/lines.json", dir / "train.jsonl"}));
  EXPECT_EQ(report.total(Finding::kHiddenPassedOver), 3);
  EXPECT_EQ(data_files(dir / "out").size(), 2u) << "who names it gets it";
}

TEST(DataFiles, WhatIsNoFileIsCounted) {
  const TempDir dir;
  put_file(dir / "data/train.jsonl", "{}");
  put_file(dir / "elsewhere/more.jsonl", "{}");
  namespace fs = std::filesystem;
  fs::create_symlink(dir / "data/train.jsonl", dir / "data/linked.jsonl");
  fs::create_symlink(dir / "none", dir / "data/dangling.jsonl");
  fs::create_symlink("loop.jsonl", dir / "data/loop.jsonl");
  fs::create_directory_symlink(dir / "elsewhere", dir / "data/folder");
  ASSERT_EQ(::mkfifo((dir / "data/pipe.txt").c_str(), 0600), 0);
  DataReport report;
  EXPECT_EQ(data_files(dir / "data", &report),
            (std::vector{dir / "data/linked.jsonl", dir / "data/train.jsonl"}));
  EXPECT_EQ(report.total(Finding::kNoFilePassedOver), 4);
}

TEST(DataFiles, PartsForTestsAreNamed) {
  const std::filesystem::path d = "my-test-data";
  DataReport report;
  count_split_names(
      d, {d / "latest.jsonl", d / "Test/a.csv", d / "train.jsonl", d / "x_validation-00001.jsonl"}, report);
  const auto lines = report.lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0],
            "1 file(s) named as test data are read like the others of their folder (first: "
            "my-test-data/Test/a.csv)");
  EXPECT_EQ(report.total(Finding::kSplitName), 2);
  DataReport none;
  count_split_names(d, {d / "test.jsonl", d / "dev.jsonl"}, none);  // nothing else is there
  count_split_names("test.jsonl", {"test.jsonl"}, none);
  EXPECT_TRUE(none.empty());
}

// Files beside it and behind it are not lost in silence.
TEST(DataFiles, AFolderThatCannotBeReadIsAnError) {
  const TempDir dir;
  ::chmod(dir.path().c_str(), 0755);
  for (const char* name : {"a/1.txt", "b/2.txt", "c/3.txt", ".hidden/4.txt"}) put_file(dir / name, "x");
  ::chmod((dir / "b").c_str(), 0);
  ::chmod((dir / ".hidden").c_str(), 0);
  const auto refused = [&](const std::filesystem::path& path, const char* what) {
    return io_test::in_child([&] {
      if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
      return io_test::throws(ErrorCode::kIo, {what, "Permission denied"}, [&] { data_files(path); });
    });
  };
  EXPECT_TRUE(refused(dir.path(), "/b"));
  EXPECT_TRUE(refused(dir / "b", "/b"));
  EXPECT_TRUE(refused(dir / "b/2.txt", "/b/2.txt"));
  ::chmod((dir / "b").c_str(), 0755);
  ::chmod((dir / ".hidden").c_str(), 0755);
}

}  // namespace
}  // namespace lq
