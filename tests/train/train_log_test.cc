#include "train/train_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/io_test_util.h"

namespace lq {
namespace {

std::string log_text(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return std::move(text).str();
}

// The steps in the log, a validation's with a v.
std::string steps_in(const std::filesystem::path& file) {
  std::istringstream lines(log_text(file));
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const auto record = nlohmann::json::parse(line);
    EXPECT_TRUE(record.contains("wall_time"));
    out += (record.contains("validation_loss") ? "v" : "") + record["step"].dump() + " ";
  }
  return out;
}

TEST(TrainLog, AResumedRunDropsWhatLiesBehindItsCheckpoint) {
  const io_test::TempDir folder;
  {
    TrainLog log(folder.path(), {});
    for (int step = 1; step <= 3; ++step) log.add({{"step", step}, {"loss", 1.0 / step}, {"name", "\xff"}});
    log.add({{"step", 3}, {"validation_loss", 0.5}});
    log.add({{"step", 4}, {"loss", 0.25}});
    EXPECT_EQ(steps_in(log.log_file()), "1 2 3 v3 4 ");
    const std::string events = log_text(log.event_file());
    for (const char* tag : {"train/loss", "validation/loss"}) EXPECT_NE(events.find(tag), std::string::npos);
    for (const char* tag : {"train/step", "train/wall_time", "train/name"})
      EXPECT_EQ(events.find(tag), std::string::npos) << tag;
  }
  const std::filesystem::path file = folder.path() / "log.jsonl";
  std::ofstream(file, std::ios::app) << R"({"step": 5, "lo)";  // a kill
  TrainState state;
  state.step = 3, state.evaluated = 3;
  {
    TrainLog log(folder.path(), state);
    EXPECT_EQ(steps_in(file), "1 2 3 v3 ");
    const auto kept = log_text(log.event_file()).size();
    log.add({{"step", 4}, {"loss", 0.125}});
    EXPECT_EQ(steps_in(file), "1 2 3 v3 4 ");
    EXPECT_GT(log_text(log.event_file()).size(), kept);
  }
  state.evaluated = -1;  // the validation was not in the checkpoint
  { TrainLog log(folder.path(), state); }
  EXPECT_EQ(steps_in(file), "1 2 3 ");
  { TrainLog log(folder.path(), {}); }
  EXPECT_EQ(log_text(file), "") << "a fresh run";
}

}  // namespace
}  // namespace lq
