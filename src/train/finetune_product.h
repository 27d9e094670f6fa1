// What a fine-tuning makes: an adapter, or a whole model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train/compress_adapter.h"
#include "train/finetune.h"
#include "train/full_model.h"
#include "train/lora_setup.h"

namespace lq {

class FinetuneProduct {
 public:
  // Makes trainable what the options ask for, with `full` everything, and throws what lora_setup() and
  // train_all_parameters() throw. All but the last two outlive this.
  FinetuneProduct(Context& ctx, Model& model, const FinetuneOptions& o, std::string base_hash,
                  LabelNames labels);

  // Modules whose low-rank part learns; with `full` tensors that learn.
  std::int64_t modules() const { return o_.full ? std::ssize(specs_) : lora_.trained; }
  // Where the options ask for it, A and B become what their stored codes of 8 bits leave of them
  // (docs/method.md, "Afterwards").
  std::optional<CompressedAdapter> compress();
  // Creates the directory.
  void write(const std::filesystem::path& directory) const;

 private:
  Context& ctx_;
  Model& model_;
  const FinetuneOptions& o_;
  std::string base_hash_;
  LabelNames labels_;
  std::vector<TensorSpec> specs_;
  LoraState lora_;
};

}  // namespace lq
