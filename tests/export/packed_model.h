// A tiny model, packed at 2 bits with a low-rank part, and an adapter that looks like one fine-tuned on it.
#pragma once

#include <string>
#include <vector>

#include "formats/config_file.h"
#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "jobs/quantize_model.h"
#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {

struct PackedTinyModel {
  PackedTinyModel() {
    write_tiny_model(dense);
    QuantizeOptions options;
    options.model = dense;
    options.out = packed;
    options.choice = FormatSet().uniform(2);
    options.decompose.rank = 4;
    quantize_model(context, options);
  }

  // Rank 3 and scaling 2 on every module but one, and the last norm replaced; for the model of that hash.
  void write_tuned(const std::filesystem::path& directory, const std::string& base_hash) {
    std::filesystem::create_directories(directory);
    const PeftAdapterReader start(packed / "adapter");
    std::vector<LoraSpec> specs;
    for (const LoraPair& p : start.pairs()) {
      if (p.module != left_alone) specs.push_back({p.module, 3, p.in, p.out, 6.0});
    }
    PeftWriterOptions options;
    options.base_hash = base_hash;
    options.replaced = {{"model.norm.weight", DType::kF32, {32}}};
    PeftAdapterWriter writer(directory, {}, specs, options);
    for (const LoraSpec& s : specs) {
      std::vector<float> a(static_cast<std::size_t>(3 * s.in)), b(static_cast<std::size_t>(3 * s.out));
      Rng(5, stream_of(s.module)).fill_normal(pool, a.data(), std::ssize(a));
      Rng(6, stream_of(s.module)).fill_normal(pool, b.data(), std::ssize(b));
      writer.write(s.module, a.data(), b.data());
    }
    writer.write_replaced("model.norm.weight", norm.data());
    writer.finish();
  }
  // The packed model as if its head were the embedding: without a head of its own.
  void tie() {
    JsonObject config = load_config(packed);
    config.json()["tie_word_embeddings"] = true;
    config.save(packed / "config.json");
    {
      const CheckpointReader reader(packed);
      std::vector<TensorSpec> specs;
      for (const TensorView& view : reader.tensors()) {
        if (view.name() != "lm_head.weight") specs.push_back(view.spec);
      }
      SafetensorsWriter writer(dir / "tied.safetensors", specs, {{"format", "pt"}});
      for (const TensorSpec& spec : specs) {
        const TensorView& view = reader.at(spec.name);
        writer.append(spec.name, view.data, view.bytes);
      }
      writer.finish();
    }
    std::filesystem::rename(dir / "tied.safetensors", packed / "model.safetensors");
  }
  std::string packed_hash() const { return PackedCheckpoint(packed).packed().model_hash; }

  // with * scaling * B A of a module, in double; zeros where the adapter lacks it.
  static std::vector<double> product(const PeftAdapterReader& adapter, const std::string& module,
                                     std::int64_t rows, std::int64_t cols) {
    std::vector<double> sum(static_cast<std::size_t>(rows * cols));
    const LoraPair* pair = adapter.find(module);
    if (pair == nullptr) return sum;
    const Tensor a = pair->a.copy_f32();
    const Tensor b = pair->b.copy_f32();
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) {
        for (std::int64_t r = 0; r < pair->rank; ++r) {
          sum[static_cast<std::size_t>(i * cols + j)] += pair->scaling *
                                                         double{b.data<float>()[i * pair->rank + r]} *
                                                         double{a.data<float>()[r * cols + j]};
        }
      }
    }
    return sum;
  }

  io_test::TempDir dir;
  ThreadPool pool{2};
  NoProgress progress;
  Context context{pool, progress, 0, {}};
  std::filesystem::path dense = dir.path() / "dense", packed = dir.path() / "packed";
  std::string left_alone = "model.layers.0.self_attn.o_proj";
  std::vector<float> norm = std::vector<float>(32, 1.5F);
};

}  // namespace lq
