#include "calibrate/stats_output.h"

#include <fstream>

#include "calibrate/calibration_pieces.h"
#include "calibrate/stats_format.h"
#include "calibrate_fixture.h"

namespace lq {
namespace {

using calibrate_test::TempDir;

constexpr const char* kJob = "0123456789abcdef0123456789abcdef";

Tensor numbers(float first) {
  Tensor t = Tensor::empty(DType::kF32, {3});
  for (float& x : span_of<float>(t)) x = first++;
  return t;
}

// Two blocks' means of squared gradients; the second's are zero.
WorkStore store_in(const TempDir& dir) {
  WorkStore store(dir / "store");
  std::vector<std::pair<std::string, Tensor>> first, second;
  first.emplace_back("a.fisher_rows", numbers(1.0F));
  second.emplace_back("b.fisher_rows", Tensor::zeros(DType::kF32, {3}));
  save_block(store, 0, first);
  save_block(store, 1, second);
  return store;
}

Metadata metadata() {
  return {{"format", std::string(kStatsFormat)},
          {"version", std::to_string(kStatsVersion)},
          {"model_hash", "ffffffffffffffffffffffffffffffff"},
          {"job", kJob},
          {"sequences", "1"},
          {"held_out_sequences", "0"},
          {"tokens", "8"},
          {"seq_len", "8"},
          {"mean_loss", "1.5"},
          {"modules", "{}"},
          {"silent", "[\"b\"]"}};
}

TEST(StatsOutput, BlocksBecomeOneFile) {
  const TempDir dir;
  const WorkStore store = store_in(dir);
  EXPECT_FALSE(open_stats_pieces(store, 3).has_value()) << "one is missing";
  const auto pieces = open_stats_pieces(store, 2);
  ASSERT_TRUE(pieces.has_value());
  EXPECT_EQ(pieces->silent, std::vector<std::string>{"b"});
  const auto path = dir / "stats.safetensors";
  write_stats(path, metadata(), *pieces);
  const SafetensorsReader reader(path);
  ASSERT_EQ(reader.tensors().size(), 2U);
  const TensorView* const view = reader.find("a.fisher_rows");
  ASSERT_NE(view, nullptr);
  EXPECT_EQ(std::memcmp(view->data, numbers(1.0F).raw(), 12), 0);
}

TEST(StatsOutput, KnowsItsOwnFiles) {
  const TempDir dir;
  const auto path = dir / "stats.safetensors";
  EXPECT_FALSE(finished_stats(path, kJob, "").has_value()) << "not there";
  write_stats(path, metadata(), *open_stats_pieces(store_in(dir), 2));
  EXPECT_TRUE(is_stats_file(path));
  EXPECT_FALSE(finished_stats(path, "fedcba9876543210fedcba9876543210", "").has_value()) << "another job's";
  std::ofstream(path, std::ios::binary | std::ios::app) << "more";
  EXPECT_FALSE(finished_stats(path, kJob, "").has_value()) << "damaged";
  std::ofstream(dir / "text") << "no statistics";
  EXPECT_FALSE(is_stats_file(dir / "text"));
}

}  // namespace
}  // namespace lq
