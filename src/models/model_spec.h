// What a model is, as its family reads it from Hugging Face's config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/block_spec.h"
#include "models/role.h"
#include "models/tensor_names.h"
#include "nn/heads/label_head.h"
#include "nn/rope_scaling.h"
#include "tensor/shape.h"

namespace lq {

// A head over whole sequences.
struct LabelSpec {
  std::int64_t outputs = 0;  // classes, or 1
  bool regression = false;
  bool operator==(const LabelSpec&) const = default;
};

struct ModelSpec {
  std::int64_t vocab = 0;          // rows of the embedding
  std::int64_t hidden = 0;         // width of the stream
  std::int64_t max_positions = 0;  // the context that the model was made for
  bool tied_embeddings = false;    // the head multiplies by the embedding
  std::vector<BlockSpec> blocks;   // in their order
  NormSpec final_norm;
  bool has_final_norm = true;
  float embedding_multiplier = 1.0F;
  float logits_multiplier = 1.0F;
  float logits_soft_cap = 0.0F;  // 0: none
  RopeConfig rope;               // RopeUse::kGlobal
  RopeConfig local_rope;         // RopeUse::kLocal
  // Rows of a table of learned positions; 0: none. Position p is row p + position_offset; the token
  // of number position_offset - 1 pads, has that row wherever it stands, and is not counted.
  std::int64_t learned_positions = 0;
  std::int64_t position_offset = 0;
  // Rows of a table of token types; 0: none.
  std::int64_t token_types = 0;
  // Over the sum of a token's rows, before the first block.
  std::optional<NormSpec> embedding_norm = {};
  // Whether there is a projection onto the vocabulary. An encoder's predicts hidden tokens: it multiplies by
  // norm(act(dense x)) and has a bias.
  bool has_head = true;
  std::optional<Activation> head_dense = {};
  bool head_bias = false;
  // A head over whole sequences, where the model has one, and what its dense layer is followed by.
  std::optional<LabelSpec> labels = {};
  HeadActivation label_activation = HeadActivation::kTanh;
  bool label_dense_in_body = false;  // BERT's pooler: an adapter leaves it as it is
  std::int64_t bos = -1;             // -1: none
  std::vector<std::int64_t> eos;     // none, one or several

  // Equal in all layers (refuse_uncomputed).
  std::int64_t head_dim() const { return blocks.front().attention.head_dim; }
  std::int64_t kv_width() const { return blocks.front().attention.kv_heads * head_dim(); }
  bool uses(RopeUse use) const;
  // Whether every token sees the whole sequence: such a model predicts no next token.
  bool encoder() const { return !blocks.front().attention.causal; }
  std::int64_t layers() const { return static_cast<std::int64_t>(blocks.size()); }
  // The longest sequence that positions are right for: max_positions, and no bound where rotation stretches
  // with the length.
  std::int64_t longest_sequence() const;
  // Whether angles of rotation depend on the length of a sequence of up to `longest` tokens, so that a part
  // of it, or another beside it, would change them.
  bool turns_by_length(std::int64_t longest) const;
  // Whether keys cached for a sequence of `past` tokens are turned as those of one of `now` tokens are.
  bool turns_alike(std::int64_t past, std::int64_t now) const;
  // Whether transformers computes a sequence anew that grows from `past` to `now` tokens, instead of keeping
  // keys of other angles: longrope, where its factors change (Phi3ForCausalLM). With dynamic rotation it
  // keeps them.
  bool starts_over(std::int64_t past, std::int64_t now) const;
};

// One tensor that a checkpoint of the model has.
struct ModelTensor {
  std::string name;
  Role role = Role::kEmbedding;
  std::int64_t layer = -1;   // -1: outside the blocks
  std::int64_t expert = -1;  // -1: none's
  bool bias = false;
  Shape shape;
};

// All of them: embedding, blocks, final norm, head (where it has one of its own).
std::vector<ModelTensor> model_tensors(const ModelSpec& spec, const TensorNames& names);

// Throws Error(kInvalidArgument) where sequences of `tokens` tokens are longer than spec.longest_sequence():
// "WHAT: 4096 tokens exceed the model's context of 2048 (max_position_embeddings)". The one rule, for every
// job.
void check_sequence_length(const ModelSpec& spec, std::int64_t tokens, std::string_view what);

}  // namespace lq
