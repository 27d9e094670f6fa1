// A whole job (pieces in a WorkStore, a sharded model in a Job) killed at random moments and run
// again, until it ends: at no moment may something be seen under a final name that is not whole.
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "files/job.h"
#include "files/json_file.h"
#include "formats/checkpoint_reader.h"
#include "formats/sharded_writer.h"
#include "formats/work_store.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

constexpr int kPieces = 12;
constexpr std::int64_t kWeights = 20'000;

std::string name_of(int piece) { return fmt::format("model.layers.{}.weight", piece); }

Tensor make_piece(int piece, int version) {
  Tensor t = Tensor::empty(DType::kF32, {kWeights});
  for (std::int64_t i = 0; i < kWeights; ++i) {
    t.mutable_data<float>()[i] = static_cast<float>(piece * 1000 + version) + static_cast<float>(i);
  }
  return t;
}

// The job; returns how many pieces it found done.
int run_job(const fs::path& out, int version) {
  Job dir(out, {.job = {{"version", version}}, .inputs = {}, .overwrite = true});
  if (dir.state() == JobState::kFinished) return kPieces;
  const WorkStore store(dir.store_dir());
  int found = 0;
  std::vector<TensorSpec> specs;
  for (int i = 0; i < kPieces; ++i) {
    specs.push_back({name_of(i), DType::kF32, {kWeights}});
    if (store.has(name_of(i))) {
      ++found;
      continue;
    }
    const Tensor piece = make_piece(i, version);
    store.put(name_of(i), {{"w", &piece}}, {});
  }
  ShardedWriter writer(dir.final_dir(), specs, {.max_shard_bytes = 4 * kWeights * sizeof(float)});
  for (int i = 0; i < kPieces; ++i) {
    writer.write(name_of(i), store.get(name_of(i))->file.at("w").borrow());
  }
  writer.finish();
  write_json(dir.final_dir() / "config.json", nlohmann::json{{"version", version}});
  dir.finish({});
  return found;
}

// The version of the model that can be seen in OUT, checked to the last weight; 0 when there is none.
int visible_version(const fs::path& out) {
  if (!fs::exists(out / "config.json")) return 0;
  const int version = read_json(out / "config.json")["version"].get<int>();
  const CheckpointReader reader(out);
  EXPECT_EQ(reader.tensors().size(), static_cast<std::size_t>(kPieces));
  for (int i = 0; i < kPieces; ++i) {
    const Tensor expected = make_piece(i, version);
    EXPECT_EQ(std::memcmp(reader.at(name_of(i)).data, expected.raw(), expected.bytes()), 0) << name_of(i);
  }
  EXPECT_EQ(read_json(out / "lqlora.json")["job"]["version"], version);
  return version;
}

// Runs the job in a child and kills it after some microseconds; true when it ended by itself.
bool run_and_kill(const fs::path& out, int version, std::uint64_t microseconds) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      run_job(out, version);
      ::_exit(0);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "child: %s\n", e.what());
      ::_exit(1);
    }
  }
  ::usleep(static_cast<useconds_t>(microseconds));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return false;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return true;
}

TEST(Kill, NothingHalfDoneIsSeenAndTheNextRunGoesOn) {
  const io_test::TempDir temp;
  const fs::path out = temp / "out";
  const Rng rng(7);
  int before = 0;
  std::uint64_t draw = 0;
  for (int version = 1; version <= 6; ++version) {
    // Longer and longer lives, so that every stage is hit and the job ends at last.
    std::uint64_t longest = 1000;
    bool ended = false;
    while (!ended) {
      ended = run_and_kill(out, version, rng.below(draw++, longest));
      longest += longest / 8;
      const int seen = fs::exists(out) ? visible_version(out) : 0;
      // The old model, none (while it is replaced), or the new one: never a mixture.
      EXPECT_TRUE(seen == before || seen == 0 || seen == version) << seen;
      if (seen == 0) before = 0;
      if (fs::exists(out)) {
        for (const auto& entry : fs::directory_iterator(out)) {
          EXPECT_EQ(entry.path().filename().string().find(".partial"), std::string::npos);
        }
      }
    }
    EXPECT_EQ(visible_version(out), version);
    EXPECT_FALSE(fs::exists(out / ".work"));
    before = version;
  }
  EXPECT_GT(draw, 12U);  // some runs were killed
}

TEST(Kill, FinishedPiecesAreNotMadeAgain) {
  const io_test::TempDir temp;
  const fs::path out = temp / "out";
  {
    Job dir(out, {.job = {{"version", 1}}});
    const WorkStore store(dir.store_dir());
    for (const int i : {0, 3, 4}) {
      const Tensor piece = make_piece(i, 1);
      store.put(name_of(i), {{"w", &piece}}, {});
    }
    // Damage in one of them: it is made again.
    std::string bytes = io_test::get_file(store.file_of(name_of(3)));
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    io_test::put_file(store.file_of(name_of(3)), bytes);
  }
  EXPECT_EQ(run_job(out, 1), 2);
  EXPECT_EQ(visible_version(out), 1);
  EXPECT_EQ(run_job(out, 1), kPieces);
}

}  // namespace
}  // namespace lq
