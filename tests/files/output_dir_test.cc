#include "files/output_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::get_file;
using io_test::names_below;
using io_test::put_file;
using io_test::TempDir;
using Json = nlohmann::json;

const Json kJob = {{"bits", 3}, {"source", "abc"}, {"seed", 0}};
const Json kOther = {{"bits", 4}, {"source", "abc"}, {"rank", 8}};

// A whole job: a model file and its config.
void run(const std::filesystem::path& out, const Json& job, const std::string& content,
         bool overwrite = false, bool keep_work = false) {
  OutputDir dir(out, {.job = job, .inputs = {}, .overwrite = overwrite, .keep_work = keep_work});
  put_file(dir.final_dir() / "model.safetensors", content);
  put_file(dir.final_dir() / "config.json", "{}");
  put_file(dir.final_dir() / (content + ".txt"), content);
  dir.finish({{"version", 1}});
}

TEST(OutputDir, PublishesAndLeavesNoTraceOfTheWork) {
  const TempDir temp;
  const auto out = temp / "runs/out";
  {
    OutputDir dir(out / "", {.job = kJob});
    EXPECT_EQ(dir.path(), out);
    EXPECT_EQ(dir.state(), OutputState::kFresh);
    EXPECT_TRUE(std::filesystem::is_empty(dir.final_dir()));
    put_file(dir.final_dir() / "model.safetensors", "weights");
    put_file(dir.final_dir() / "adapter/adapter_config.json", "{}");
    put_file(dir.final_dir() / "config.json", "{}");
    EXPECT_EQ(names_below(out).count("config.json"), 0U);
    nlohmann::ordered_json manifest;
    manifest["version"] = "1.0";
    const auto files = dir.finish(manifest);
    EXPECT_EQ(files, (std::vector<std::string>{"adapter/adapter_config.json", "config.json", "lqlora.json",
                                               "model.safetensors"}));
    expect_error(ErrorCode::kInvalidArgument, {"finished already"}, [&] { dir.finish({}); });
  }
  EXPECT_EQ(names_below(out), (std::set<std::string>{"adapter", "adapter/adapter_config.json", "config.json",
                                                     "lqlora.json", "model.safetensors"}));
  const Json manifest = Json::parse(get_file(out / "lqlora.json"));
  EXPECT_EQ(manifest["version"], "1.0");
  EXPECT_EQ(manifest["job"], kJob);
  EXPECT_EQ(manifest["files"], (Json{"adapter/adapter_config.json", "model.safetensors", "config.json"}));
}

TEST(OutputDir, TheSameJobAgainIsFinishedOrGoesOn) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    OutputDir dir(out, {.job = kJob});
    put_file(dir.store_dir() / "piece", "done");
    put_file(dir.final_dir() / "model.safetensors", "half");
  }
  EXPECT_EQ(names_below(out).count("model.safetensors"), 0U);
  {
    OutputDir dir(out, {.job = kJob});
    EXPECT_EQ(dir.state(), OutputState::kResumable);
    EXPECT_EQ(get_file(dir.store_dir() / "piece"), "done");
    EXPECT_TRUE(std::filesystem::is_empty(dir.final_dir()));
    put_file(dir.final_dir() / "config.json", "{}");
    dir.finish({});
  }
  {
    OutputDir dir(out, {.job = kJob});
    EXPECT_EQ(dir.state(), OutputState::kFinished);
    expect_error(ErrorCode::kInvalidArgument, {"finished already"}, [&] { dir.finish({}); });
  }
  EXPECT_EQ(names_below(out), (std::set<std::string>{"config.json", "lqlora.json"}));
  // A published file that is gone is made again.
  std::filesystem::remove(out / "config.json");
  EXPECT_EQ(OutputDir(out, {.job = kJob}).state(), OutputState::kFresh);
}

TEST(OutputDir, AFailureBeforeAnyWorkLeavesNothing) {
  const TempDir temp;
  { OutputDir dir(temp / "out", {.job = kJob}); }
  EXPECT_TRUE(std::filesystem::is_empty(temp.path()));
  std::filesystem::create_directories(temp / "mine");
  { OutputDir dir(temp / "mine", {.job = kJob}); }
  EXPECT_EQ(names_below(temp.path()), std::set<std::string>{"mine"});
}

TEST(OutputDir, AnotherJobIsRefusedAndItsDifferencesNamed) {
  const TempDir temp;
  const auto out = temp / "out";
  run(out, kJob, "first");
  expect_error(ErrorCode::kInvalidArgument,
               {out.string(), "another job", "bits was 3, now 4", "rank was not given, now 8",
                "seed was 0, now not given"},
               [&] { OutputDir dir(out, {.job = kOther}); });
  EXPECT_EQ(get_file(out / "model.safetensors"), "first");
  EXPECT_FALSE(std::filesystem::exists(out / "first.txt.partial"));
  run(out, kOther, "second", true);
  EXPECT_EQ(names_below(out),
            (std::set<std::string>{"config.json", "lqlora.json", "model.safetensors", "second.txt"}));
  EXPECT_EQ(get_file(out / "model.safetensors"), "second");
}

TEST(OutputDir, AnUnfinishedRunOfAnotherJobIsRefused) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    OutputDir dir(out, {.job = kJob});
    put_file(dir.store_dir() / "piece", "done");
  }
  expect_error(ErrorCode::kInvalidArgument, {"unfinished run of another job", "bits was 3, now 4"},
               [&] { OutputDir dir(out, {.job = kOther}); });
  EXPECT_TRUE(std::filesystem::exists(out / ".work/store/piece"));
  OutputDir dir(out, {.job = kOther, .inputs = {}, .overwrite = true});
  EXPECT_EQ(dir.state(), OutputState::kFresh);
  EXPECT_FALSE(std::filesystem::exists(out / ".work/store/piece"));
}

TEST(OutputDir, KeptWorkOutlivesTheRun) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    OutputDir dir(out, {.job = kJob, .inputs = {}, .overwrite = false, .keep_work = true});
    put_file(dir.store_dir() / "piece", "kept");
    put_file(dir.final_dir() / "config.json", "{}");
    dir.finish({});
  }
  EXPECT_EQ(get_file(out / ".work/store/piece"), "kept");
  {
    EXPECT_EQ(OutputDir(out, {.job = kJob, .inputs = {}, .keep_work = true}).state(), OutputState::kFinished);
  }
  EXPECT_EQ(get_file(out / ".work/store/piece"), "kept");
  { EXPECT_EQ(OutputDir(out, {.job = kJob}).state(), OutputState::kFinished); }
  EXPECT_FALSE(std::filesystem::exists(out / ".work"));
}

TEST(OutputDir, RefusesFoldersThatAreNotOurs) {
  const TempDir temp;
  put_file(temp / "theirs/thesis.txt", "years of work");
  for (const bool overwrite : {false, true}) {
    expect_error(ErrorCode::kInvalidArgument, {"theirs", "not made by this program"}, [&] {
      OutputDir dir(temp / "theirs", {.job = kJob, .inputs = {}, .overwrite = overwrite});
    });
  }
  EXPECT_EQ(names_below(temp.path()), (std::set<std::string>{"theirs", "theirs/thesis.txt"}));
  expect_error(ErrorCode::kInvalidArgument, {"not a folder"},
               [&] { OutputDir dir(temp / "theirs/thesis.txt", {.job = kJob}); });
  expect_error(ErrorCode::kInvalidArgument, {"expected"}, [&] { OutputDir dir("", {.job = kJob}); });
  // A stray .work with foreign files beside it is not ours either.
  std::filesystem::create_directories(temp / "theirs/.work");
  expect_error(ErrorCode::kInvalidArgument, {"not made by this program"},
               [&] { OutputDir dir(temp / "theirs", {.job = kJob, .inputs = {}, .overwrite = true}); });
  EXPECT_TRUE(std::filesystem::exists(temp / "theirs/thesis.txt"));
}

TEST(OutputDir, RefusesTheInputHoweverItIsNamed) {
  const TempDir temp;
  const auto model = temp / "model";
  put_file(model / "model.safetensors", "x");
  std::filesystem::create_directory_symlink(model, temp / "link");
  const auto refused = [&](const std::filesystem::path& out, const std::filesystem::path& input) {
    expect_error(ErrorCode::kInvalidArgument, {out.filename().string(), "input"},
                 [&] { OutputDir dir(out, {.job = kJob, .inputs = {input}, .overwrite = true}); });
  };
  refused(model, model);
  refused(temp / "link", model);
  refused(model, temp / "link");
  refused(temp.path() / "x" / ".." / "model", model);
  refused(temp.path(), model);
  refused(model, model / "model.safetensors");
  EXPECT_EQ(names_below(model), std::set<std::string>{"model.safetensors"});
  EXPECT_NO_THROW(OutputDir::check(model / "q3", {model}));
  EXPECT_EQ(names_below(model), std::set<std::string>{"model.safetensors"});
  EXPECT_NO_THROW(OutputDir(model / "q3", {.job = kJob, .inputs = {model}}));  // below the input is fine
}

TEST(OutputDir, TwoRunsOnOneFolderAreRefused) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    OutputDir first(out, {.job = kJob});
    put_file(first.store_dir() / "piece", "x");
    expect_error(ErrorCode::kIo, {out.string(), "another process"},
                 [&] { OutputDir second(out, {.job = kJob}); });
    EXPECT_TRUE(io_test::in_child([&] {
      return io_test::throws(ErrorCode::kIo, {"another process"},
                             [&] { OutputDir third(out, {.job = kJob}); });
    }));
  }
  EXPECT_EQ(OutputDir(out, {.job = kJob}).state(), OutputState::kResumable);
}

TEST(OutputDir, SaysWhyItCannotWrite) {
  const TempDir temp;
  put_file(temp / "file", "");
  expect_error(ErrorCode::kIo, {"file/out", "Not a directory"},
               [&] { OutputDir dir(temp / "file/out", {.job = kJob}); });
  std::filesystem::create_directories(temp / "locked");
  ::chmod((temp / "locked").c_str(), 0555);
  ::chmod(temp.path().c_str(), 0755);
  EXPECT_TRUE(io_test::in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {"locked/out", "Permission denied"},
                           [&] { OutputDir dir(temp / "locked/out", {.job = kJob}); });
  }));
  // A folder that may not even be looked into.
  ::chmod((temp / "locked").c_str(), 0000);
  EXPECT_TRUE(io_test::in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
    return io_test::throws(ErrorCode::kIo, {"locked", "Permission denied"},
                           [&] { OutputDir dir(temp / "locked/out", {.job = kJob}); }) &&
           io_test::throws(ErrorCode::kIo, {"locked", "Permission denied"},
                           [&] { OutputDir dir(temp / "locked", {.job = kJob}); });
  }));
  ::chmod((temp / "locked").c_str(), 0755);
}

TEST(OutputDir, DamagedRecordsAreNotTrusted) {
  const TempDir temp;
  const auto out = temp / "out";
  {
    OutputDir dir(out, {.job = kJob});
    put_file(dir.store_dir() / "piece", "x");
  }
  put_file(out / ".work/job.json", "{\"job\"");
  expect_error(ErrorCode::kInvalidArgument, {"another job"}, [&] { OutputDir dir(out, {.job = kJob}); });
  EXPECT_NO_THROW(run(out, kJob, "x", true));
  put_file(out / "lqlora.json", R"({"job": 1, "files": ["../escape", 7]})");
  put_file(temp / "escape", "safe");
  run(out, kJob, "y", true);
  EXPECT_EQ(get_file(temp / "escape"), "safe");
}

}  // namespace
}  // namespace lq
