// Random models, packed and dense, in a folder of the test's own.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "models/model.h"
#include "nn/packed_weight.h"
#include "ops/cross_entropy.h"
#include "reference/numbers.h"
#include "reference/random_model.h"

namespace lq {

class PackedModelFixture : public testing::Test {
 protected:
  PackedModelFixture() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("lq_packed_{}", info->name());
    std::filesystem::remove_all(folder_);
  }
  ~PackedModelFixture() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const char* name, const reference::RandomModel& shape) {
    write_random_model(pool_, shape, folder_ / name);
    return folder_ / name;
  }

  // A dense f32 directory with the values of the packed one.
  std::filesystem::path write_dense(Model& packed, const reference::RandomModel& shape) {
    const auto to = folder_ / "dense";
    std::filesystem::create_directories(to);
    std::vector<TensorSpec> specs;
    std::vector<std::vector<float>> values;
    for (const Module& module : packed.modules()) {
      if (!module.in_block()) continue;
      Linear* const linear = module.linear;
      const Weight& w = linear->weight();
      specs.push_back({linear->name() + ".weight", DType::kF32, {w.rows(), w.cols()}});
      values.emplace_back(static_cast<std::size_t>(w.rows() * w.cols()));
      packed_rows(ctx_, w.view(), 0, w.rows(), values.back().data());
    }
    for (Parameter* p : packed.parameters()) {
      specs.push_back({p->name, DType::kF32, p->value.shape()});
      values.emplace_back(static_cast<std::size_t>(p->value.numel()));
      convert_to_f32(p->value.dtype(), p->value.raw(), 0, p->value.numel(), values.back().data());
    }
    SafetensorsWriter writer(to / "model.safetensors", specs);
    for (std::size_t i = 0; i < specs.size(); ++i) writer.write_f32(specs[i].name, values[i].data());
    writer.finish();
    write_json(to / "config.json", reference::random_model_config(shape));
    return to;
  }

  std::vector<float> losses(const Model& model, int tokens, Context* other = nullptr) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < tokens; ++i) ids.push_back(static_cast<std::int32_t>(Rng(4).below(i, 97)));
    const std::vector<std::int64_t> starts = {0, tokens / 3, tokens};
    const TokenBatch batch{ids, starts};
    std::vector<float> result(ids.size());
    Workspace ws;
    model.losses(other == nullptr ? ctx_ : *other, ws, batch, next_token_targets(batch), result);
    return result;
  }

  std::filesystem::path folder_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
};

}  // namespace lq
