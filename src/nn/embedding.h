// A table of token vectors, and a low-rank part beside it where an adapter has one:
//   x[t] = (table + scaling A^T B^T)[ids[t]],  times one factor a dimension where it has lengths of its own.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "nn/magnitude.h"
#include "nn/parameter.h"
#include "tensor/context.h"
#include "tensor/matrix.h"

namespace lq {

struct EmbeddingLora {
  Parameter a;                                // [vocabulary, rank]: PEFT's lora_embedding_A, transposed
  Parameter b;                                // [width, rank]
  float scaling = 1.0F;                       // alpha / rank, or alpha / sqrt(rank)
  std::unique_ptr<Magnitude> magnitude = {};  // null: none

  std::int64_t rank() const { return a.value.dim(1); }
};

class Embedding {
 public:
  // name: the module, "model.embed_tokens". The table outlives this.
  Embedding(std::string name, Parameter& table) : name_(std::move(name)), table_(&table) {}

  const std::string& name() const { return name_; }
  Parameter& table() { return *table_; }
  const Parameter& table() const { return *table_; }
  // Puts a low-rank part beside the table (null: removes it). Throws Error(kMismatch) naming the shapes.
  void set_lora(Context& ctx, std::unique_ptr<EmbeddingLora> lora);
  EmbeddingLora* lora() { return lora_.get(); }
  const EmbeddingLora* lora() const { return lora_.get(); }
  // Factors of a magnitude follow table, A, B and m as they are now.
  void update_magnitude(Context& ctx);
  // Whether anything here has a gradient.
  bool learns() const;

  // x: [tokens, width]. Throws Error(kInvalidArgument) for ids outside the vocabulary.
  void forward(Context& ctx, std::span<const std::int32_t> ids, Matrix x) const;
  // Gradients of what learns +=.   dx: [tokens, width].
  void backward(Context& ctx, std::span<const std::int32_t> ids, ConstMatrix dx);

 private:
  // Without the factors of a magnitude.
  void forward_plain(Context& ctx, std::span<const std::int32_t> ids, Matrix x) const;

  std::string name_;
  Parameter* table_;
  std::unique_ptr<EmbeddingLora> lora_ = {};
};

}  // namespace lq
