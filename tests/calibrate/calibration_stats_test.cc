// Reading statistics files: good ones, and every way to be bad.
#include "calibrate/calibration_stats.h"

#include <cmath>

#include "calibrate_fixture.h"

namespace lq {
namespace {

using namespace calibrate_test;

const std::string kHash(32, 'a');

// A file of two layers, 2 x 3, that share their input; changed by the caller.
struct File {
  Metadata metadata = {
      {"format", "lqlora-stats"},
      {"version", "1"},
      {"model_hash", kHash},
      {"job", std::string(32, '0')},
      {"sequences", "3"},
      {"held_out_sequences", "1"},
      {"tokens", "30"},
      {"seq_len", "11"},
      {"mean_loss", "2.5"},
      {"silent", "[]"},
      {"modules", R"({"a": {"shape": [2, 3], "input": "a"}, "b": {"shape": [2, 3], "input": "a"}})"}};
  std::map<std::string, std::pair<Shape, std::vector<float>>> tensors = {
      {"a.fisher_rows", {{2}, {1, 2}}},
      {"a.fisher_cols", {{3}, {1, 2, 1.5F}}},
      {"a.input_moment", {{3, 3}, {4, 1, 0, 1, 5, 2, 0, 2, 6}}},
      {"b.output_grad_moment", {{2, 2}, {1, -1, -1, 3}}}};

  void write(const std::filesystem::path& path) const {
    std::vector<TensorSpec> specs;
    for (const auto& [name, t] : tensors) specs.push_back({name, DType::kF32, t.first});
    SafetensorsWriter writer(path, specs, metadata);
    for (const auto& [name, t] : tensors) writer.write_f32(name, t.second.data());
    writer.finish();
  }
};

class StatsTest : public testing::Test {
 protected:
  // Opening it, and `read` where opening works, throws that.
  void refused(ErrorCode code, std::initializer_list<std::string_view> parts,
               const std::function<void(File&)>& change,
               const std::function<void(const CalibrationStats&)>& read = {}) {
    File file;
    change(file);
    file.write(dir_ / "stats");
    expect_error(code, parts, [&] {
      const CalibrationStats stats = CalibrationStats::open(dir_ / "stats");
      if (read) read(stats);
    });
  }
  TempDir dir_;
};

TEST_F(StatsTest, ReadsWhatIsThere) {
  File().write(dir_ / "stats");
  const CalibrationStats s = CalibrationStats::open(dir_ / "stats");
  EXPECT_EQ(s.model_hash(), kHash);
  EXPECT_EQ(s.sequences(), 3);
  EXPECT_EQ(s.held_out_sequences(), 1);
  EXPECT_EQ(s.tokens(), 30);
  EXPECT_EQ(s.seq_len(), 11);
  EXPECT_EQ(s.mean_loss(), 2.5);
  EXPECT_EQ(s.fisher_rows("a"), (std::vector<double>{1, 2}));
  EXPECT_EQ(s.fisher_cols("a.weight"), (std::vector<double>{1, 2, 1.5}));
  EXPECT_EQ(s.input_moment("b"), s.input_moment("a"));
  EXPECT_EQ(s.input_moment_diagonal("b.weight"), (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(s.output_grad_moment("b"), (std::vector<float>{1, -1, -1, 3}));
  EXPECT_TRUE(s.has("b.weight"));
  EXPECT_FALSE(s.has("c"));
  EXPECT_TRUE(s.has_fisher("a"));
  EXPECT_FALSE(s.has_fisher("b"));
  EXPECT_TRUE(s.has_input_moment("b"));
  EXPECT_FALSE(s.has_held_out("b"));
  s.check_shape("b", 2, 3);
  expect_error(ErrorCode::kMismatch, {"b", "[2, 3]", "[3, 2]"}, [&] { s.check_shape("b", 3, 2); });
  expect_error(ErrorCode::kNotFound, {"stats", "no statistics of c"}, [&] { s.fisher_rows("c"); });
  expect_error(ErrorCode::kNotFound, {"stats", "b.fisher_rows"}, [&] { s.fisher_rows("b"); });
}

TEST_F(StatsTest, BadMetadataIsRefused) {
  const auto set = [](const char* key, const char* value) {
    return [key, value](File& f) { f.metadata[key] = value; };
  };
  refused(ErrorCode::kUnsupported, {"stats", "no statistics file", "missing"},
          [](File& f) { f.metadata.erase("format"); });
  refused(ErrorCode::kUnsupported, {"\"pt\""}, set("format", "pt"));
  refused(ErrorCode::kUnsupported, {"version 2"}, set("version", "2"));
  refused(ErrorCode::kCorruptFile, {"lack \"tokens\""}, [](File& f) { f.metadata.erase("tokens"); });
  refused(ErrorCode::kCorruptFile, {"tokens", "-3"}, set("tokens", "-3"));
  refused(ErrorCode::kCorruptFile, {"mean_loss", "nan"}, set("mean_loss", "nan"));
  refused(ErrorCode::kCorruptFile, {"hash"}, set("model_hash", "xyz"));
  refused(ErrorCode::kCorruptFile, {"an object was expected, not array"}, set("modules", "[1]"));
  refused(ErrorCode::kCorruptFile, {"a.input"}, set("modules", R"({"a": {"shape": [2, 3]}})"));
  refused(ErrorCode::kCorruptFile, {"a.shape"}, set("modules", R"({"a": {"shape": [0, 3], "input": "a"}})"));
  refused(ErrorCode::kCorruptFile, {"module a", "nobody"},
          set("modules", R"({"a": {"shape": [2, 3], "input": "nobody"}})"));
  refused(ErrorCode::kCorruptFile, {"silent"}, set("silent", R"(["nobody"])"));
}

TEST_F(StatsTest, BadTensorsAreRefused) {
  refused(ErrorCode::kCorruptFile, {"a.fisher_rows", "[3]", "[2]"}, [](File& f) {
    f.tensors["a.fisher_rows"] = {{3}, {1, 2, 3}};
  });
  refused(ErrorCode::kCorruptFile, {"a", "only one of"}, [](File& f) { f.tensors.erase("a.fisher_cols"); });
  refused(ErrorCode::kCorruptFile, {"c.fisher", "no module"}, [](File& f) {
    f.tensors["c.fisher"] = {{1}, {1}};
  });
  refused(ErrorCode::kCorruptFile, {"b.input_moment", "no module"}, [](File& f) {
    f.tensors["b.input_moment"] = f.tensors["a.input_moment"];  // the input is a's
  });
}

TEST_F(StatsTest, BadValuesAreRefused) {
  const auto with = [](const char* name, std::size_t at, float value) {
    return [=](File& f) { f.tensors[name].second[at] = value; };
  };
  const auto rows = [](const CalibrationStats& s) { s.fisher_rows("a"); };
  const auto input = [](const CalibrationStats& s) { s.input_moment("b"); };
  refused(ErrorCode::kCorruptFile, {"stats", "a.fisher_rows", "NaN"}, with("a.fisher_rows", 1, std::nanf("")),
          rows);
  refused(ErrorCode::kCorruptFile, {"a.fisher_rows", "negative"}, with("a.fisher_rows", 1, -1.0F), rows);
  refused(ErrorCode::kCorruptFile, {"a.input_moment", "infinity"}, with("a.input_moment", 1, INFINITY),
          input);
  refused(ErrorCode::kCorruptFile, {"a.input_moment", "diagonal"}, with("a.input_moment", 4, -5.0F), input);
  refused(ErrorCode::kCorruptFile, {"a.input_moment", "symmetric", "[2, 1]"}, with("a.input_moment", 7, 2.1F),
          input);
}

}  // namespace
}  // namespace lq
