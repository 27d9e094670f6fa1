// A causal language model, dense or packed, with a low-rank adapter or without.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lqlora/checkpoint.h"
#include "lqlora/context.h"

namespace lqlora {

struct ModelOptions {
  // A PEFT adapter. Empty: the one that a packed model brings, where it does.
  std::filesystem::path adapter = {};
  bool no_adapter = false;  // not even that one; excludes `adapter`
};

struct ModuleInfo {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  std::int64_t rows = 0, cols = 0;
  std::int64_t rank = 0;  // of its low-rank part; 0: none
  bool packed = false;
};

// Const members are thread-safe for distinct Contexts; nothing else may run while a Trainer steps.
class Model {
 public:
  // Throws Error(kUnsupported) for a family or a setting that is not computed here, Error(kMismatch) for
  // weights that disagree with config.json and for an adapter of another base.
  static Model load(Context& context, const Checkpoint& checkpoint, const ModelOptions& options = {});
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  std::int64_t vocab() const;
  std::int64_t layers() const;
  std::int64_t hidden() const;
  std::int64_t context_length() const;
  bool is_packed() const;
  // Every linear layer of the blocks, and the head.
  std::vector<ModuleInfo> modules() const;

  // Scores of the next token after each of ids: [ids.size(), vocab()]. Throws Error(kInvalidArgument) for ids
  // outside the vocabulary, or none, or more than context_length().
  std::vector<float> logits(Context& context, std::span<const std::int32_t> ids) const;
  // Nats of predicting ids[t + 1] after ids[0 .. t]: [ids.size() - 1]. Throws as logits.
  std::vector<float> losses(Context& context, std::span<const std::int32_t> ids) const;

  struct Impl;  // of the library
  Impl& impl() const { return *impl_; }

 private:
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lqlora
