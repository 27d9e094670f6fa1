// A small random model with a tokenizer of one token a character, so that text and ids are the same thing.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "calibrate/calibrate.h"
#include "calibrate/calibration_stats.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"

namespace lq::calibrate_test {

using io_test::expect_error;
using io_test::get_file;
using io_test::put_file;
using io_test::TempDir;

constexpr int kFirstChar = 32;  // ' ' is id 0, '~' is id 94
constexpr int kChars = 95;

inline reference::RandomModel small_model() {
  reference::RandomModel m;
  m.layers = 3;
  m.vocab = 97;
  m.context = 64;
  m.dtype = DType::kF32;
  return m;
}

inline void write_tokenizer(const std::filesystem::path& directory) {
  nlohmann::ordered_json vocab;
  for (int i = 0; i < kChars; ++i) vocab[std::string(1, static_cast<char>(kFirstChar + i))] = i;
  const nlohmann::ordered_json json = {
      {"version", "1.0"},
      {"added_tokens", nlohmann::ordered_json::array()},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", nlohmann::ordered_json::array()}}}};
  put_file(directory / "tokenizer.json", json.dump());
}

inline std::string random_text(std::size_t length, std::uint64_t seed = 1) {
  std::string text(length, ' ');
  for (std::size_t i = 0; i < length; ++i)
    text[i] = static_cast<char>(kFirstChar + Rng(seed).below(i, kChars));
  return text;
}

inline std::vector<std::int32_t> ids_of(std::string_view text) {
  std::vector<std::int32_t> ids;
  for (const char c : text) ids.push_back(c - kFirstChar);
  return ids;
}

// Rewrites the model with one tensor's values changed.
inline void edit_tensor(const std::filesystem::path& directory, const std::string& name,
                        const std::function<void(std::vector<float>&)>& edit) {
  const auto path = directory / "model.safetensors";
  std::filesystem::rename(path, directory / "before");
  {
    const SafetensorsReader reader(directory / "before");
    std::vector<TensorSpec> specs;
    for (const TensorView& v : reader.tensors()) specs.push_back(v.spec);
    SafetensorsWriter writer(path, specs, {{"format", "pt"}});
    for (const TensorView& v : reader.tensors()) {
      std::vector<float> values(static_cast<std::size_t>(v.numel()));
      convert_to_f32(v.dtype(), v.data, 0, v.numel(), values.data());
      if (v.name() == name) edit(values);
      writer.write_f32(v.name(), values.data());
    }
    writer.finish();
  }
  std::filesystem::remove(directory / "before");
}

struct Machine {
  explicit Machine(int threads = 2) : pool(threads) {}
  ThreadPool pool;
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
};

class CalibrateTest : public testing::Test {
 protected:
  CalibrateTest() {
    reference::write_random_model(machine_.pool, small_model(), dir_ / "model");
    write_tokenizer(dir_ / "model");
    put_file(dir_ / "text.txt", text_);
  }

  CalibrateOptions options(const std::string& out = "stats") const {
    CalibrateOptions o;
    o.model = dir_ / "model";
    o.data = {dir_ / "text.txt"};
    o.out = dir_ / out;
    o.seq_len = 24;
    o.samples = 200;
    return o;
  }
  // The bytes of the result.
  std::string run(const CalibrateOptions& o, int threads = 2) {
    Machine m(threads);
    calibrate(m.ctx, o);
    return get_file(o.out);
  }

  TempDir dir_;
  Machine machine_;
  // Three groups of 85 windows of 24 tokens: 2048 pass together.
  std::string text_ = random_text(24 * 200 + 7);
};

}  // namespace lq::calibrate_test
