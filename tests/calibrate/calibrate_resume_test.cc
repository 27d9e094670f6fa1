// Runs that are interrupted, killed, or find their work folder damaged end with the same bytes.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "calibrate_fixture.h"

namespace lq {
namespace {

using namespace calibrate_test;
namespace fs = std::filesystem;

// Asks to stop at the n-th report of progress.
class StopAt final : public Progress {
 public:
  StopAt(int n, std::atomic<bool>& stop) : left_(n), stop_(stop) {}
  void begin(std::string_view, std::int64_t, std::string_view) override {}
  void update(std::int64_t, std::string_view) override {
    if (--left_ == 0) stop_ = true;
  }
  void end() override {}
  void note(std::string_view) override {}

 private:
  int left_;
  std::atomic<bool>& stop_;
};

// True when it ended, false when it was interrupted.
bool run_until(int reports, const CalibrateOptions& o) {
  ThreadPool pool(2);
  std::atomic<bool> stop{false};
  StopAt progress(reports, stop);
  Context ctx{pool, progress, 0, StopToken(&stop)};
  try {
    calibrate(ctx, o);
    return true;
  } catch (const Error& e) {
    EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(ErrorCode::kInterrupted)) << e.what();
    return false;
  }
}

class CalibrateResumeTest : public CalibrateTest {
 protected:
  CalibrateResumeTest() : want_(run(options("want"))) {}

  // All ways to cut the job: everything at once; segments, activations in memory; on disk; forward only.
  std::vector<CalibrateOptions> ways() const {
    std::vector<CalibrateOptions> all;
    for (int i = 0; i < 3; ++i) all.push_back(options("way" + std::to_string(i)));
    all[1].blocks_at_once = 2;
    all[2].memory_bytes = 1;
    return all;
  }
  std::string want_;
};

TEST_F(CalibrateResumeTest, Interrupted) {
  const std::vector<CalibrateOptions> all = ways();
  for (std::size_t way = 0; way < all.size(); ++way) {
    const CalibrateOptions& o = all[way];
    // Activations in memory are made again by every run: four groups through one segment.
    const int reports = way == 1 ? 6 : 2;
    int runs = 1;
    while (!run_until(reports, o) && runs < 100) {
      EXPECT_FALSE(fs::exists(o.out));
      ++runs;
    }
    EXPECT_GT(runs, 1);
    EXPECT_EQ(get_file(o.out), want_) << o.out;
    EXPECT_FALSE(fs::exists(o.out.string() + ".work"));
  }
}

TEST_F(CalibrateResumeTest, InterruptedForwardOnly) {
  CalibrateOptions o = options("input");
  o.fisher = o.output_grad_moment = false;
  const std::string want = run(o);
  for (const std::int64_t memory : {0, 1}) {
    fs::remove(o.out);
    o.memory_bytes = memory;
    o.blocks_at_once = 1;
    int runs = 1;
    // In memory, as many as all segments but one take: four groups through two of them, and two more.
    while (!run_until(memory == 0 ? 10 : 3, o) && runs < 100) ++runs;
    EXPECT_GT(runs, 1);
    EXPECT_EQ(get_file(o.out), want);
  }
}

TEST_F(CalibrateResumeTest, ResumedInOtherMemory) {
  CalibrateOptions o = options();
  o.blocks_at_once = 1;
  ASSERT_FALSE(run_until(8, o));
  o.blocks_at_once = 2;
  ASSERT_FALSE(run_until(3, o));
  o.blocks_at_once = 3;
  EXPECT_EQ(run(o), want_);
}

TEST_F(CalibrateResumeTest, Killed) {
  for (CalibrateOptions o : ways()) {
    o.save_every_seconds = 0.0;
    int kills = 0;
    for (int attempt = 0; attempt < 30 && !fs::exists(o.out); ++attempt) {
      const pid_t child = ::fork();
      if (child == 0) {
        Machine m(2);
        calibrate(m.ctx, o);
        ::_exit(0);
      }
      ::usleep(static_cast<useconds_t>(20'000 + Rng(9).below(static_cast<std::uint64_t>(attempt), 120'000)));
      ::kill(child, SIGKILL);
      int status = 0;
      ::waitpid(child, &status, 0);
      kills += WIFSIGNALED(status) ? 1 : 0;
    }
    run(o);
    EXPECT_EQ(get_file(o.out), want_) << kills << " kills";
  }
}

TEST_F(CalibrateResumeTest, AnotherConfigIsBegunAnew) {
  const CalibrateOptions o = options();
  ASSERT_FALSE(run_until(2, o));
  nlohmann::json config = nlohmann::json::parse(get_file(o.model / "config.json"));
  config["transformers_version"] = "changes no number";
  put_file(o.model / "config.json", config.dump());
  EXPECT_EQ(run(o), want_);
  config["rms_norm_eps"] = 0.25;
  put_file(o.model / "config.json", config.dump());
  const std::string other = run(options("other"));
  EXPECT_NE(other, want_);
  EXPECT_EQ(run(o), other) << "what was finished with the old config is no result";

  fs::remove(o.out);
  ASSERT_FALSE(run_until(2, o));
  config["rms_norm_eps"] = 0.5;
  put_file(o.model / "config.json", config.dump());
  EXPECT_EQ(run(o), run(options("third")));
}

TEST_F(CalibrateResumeTest, DamageIsDoneAgain) {
  for (const CalibrateOptions& o : ways()) {
    ASSERT_FALSE(run_until(2, o));
    const fs::path work = o.out.string() + ".work";
    std::size_t damaged = 0;
    for (const auto& entry : fs::recursive_directory_iterator(work)) {
      if (entry.path().extension() != ".safetensors") continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(-1, std::ios::end);
      file.put('\x5a');
      ++damaged;
    }
    EXPECT_GT(damaged, 0U);
    EXPECT_EQ(run(o), want_);
  }
  // One finished block among others.
  CalibrateOptions o = options();
  o.blocks_at_once = 1;
  ASSERT_FALSE(run_until(14, o));
  std::size_t damaged = 0;
  for (const auto& entry : fs::recursive_directory_iterator(o.out.string() + ".work")) {
    if (entry.path().filename().string().find("block.2") == std::string::npos) continue;
    fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
    ++damaged;
  }
  EXPECT_EQ(damaged, 1U);
  EXPECT_EQ(run(o), want_);
}

TEST_F(CalibrateResumeTest, OtherJobsLeaveNothing) {
  CalibrateOptions o = options();
  ASSERT_FALSE(run_until(1, o));
  o.samples = 100;
  CalibrateOptions fresh = options("fresh");
  fresh.samples = 100;
  const std::string want = run(fresh);
  EXPECT_EQ(run(o), want);
  EXPECT_FALSE(fs::exists(o.out.string() + ".work"));
}

}  // namespace
}  // namespace lq
