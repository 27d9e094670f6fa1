// Which low-rank parts a run trains, and what they start from (docs/method.md, "Fine-tuning").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/peft_adapter.h"
#include "models/model.h"
#include "tensor/context.h"

namespace lq {

enum class LoraStart : std::uint8_t {
  kAdapter,  // the adapter's factors go on learning; where there are none, A random and B = 0
  kZero,     // A random, B = 0, whatever the base brings
  kStacked,  // the adapter's factors stay as they are; new ones, A random and B = 0, learn beside them
};

struct LoraOptions {
  LoraStart start = LoraStart::kAdapter;
  // Modules: full names, their ends ("q_proj", "mlp.up_proj") or regular expressions over the whole name.
  // Empty: those that the adapter to start from has, or all linears of the blocks.
  std::vector<std::string> targets = {};
  // Of new parts, or the adapter's own. 0: the adapter's, or 64 where there is none.
  std::int64_t rank = 0;
  // 0: what keeps the adapter's scaling, or the rank where there is none. Another scaling s' of an adapter
  // whose scaling is s multiplies its A and B by sqrt(s / s'): the function stays.
  double alpha = 0.0;
  bool rslora = false;  // scaling alpha / sqrt(rank) (Kalajdzievski 2023)
  // What else learns, whole: "norms", "head", "embeddings", "pooler" (the dense layer between BERT's body and
  // its classifier). The adapter then holds these weights (modules_to_save); of a tied pair either means
  // both.
  std::vector<std::string> whole = {};
  // The head over whole sequences learns whole: all of it but a dense layer that the body's checkpoint
  // brought (BERT's pooler).
  bool label_head = false;
  // Parameters that the adapter to start from holds whole: see train_whole().
  std::vector<std::string> replaced = {};
};

// What the model has after lora_setup, for the adapter's file.
struct LoraState {
  std::vector<LoraSpec> specs;    // every module with a low-rank part
  std::vector<Parameter*> whole;  // parameters that the adapter holds whole
  bool rslora = false;
  std::int64_t started = 0;  // modules whose part starts from zero
  std::int64_t trained = 0;  // modules whose part learns
};

// Makes the chosen parts trainable, in a model that has been loaded with the adapter to start from (or none).
// A chosen module without one gets A uniform in +-1 / sqrt(in), as PEFT's kaiming_uniform_(a = sqrt(5)), and
// B = 0; random numbers by ctx.seed and the module's name. With kStacked the model's parts become fixed ones
// (Linear::freeze_lora) first. Throws Error(kInvalidArgument) for a target that is no linear, a rank that the
// adapter does not have or a matrix does not allow, kStacked without an adapter; the model is then as it was.
LoraState lora_setup(Context& ctx, Model& model, const LoraOptions& options);

// Linears that may have a low-rank part: a head that is tied to the embedding is none unless an adapter made
// it one.
std::vector<Linear*> adapter_linears(Model& model);
// Of the low-rank part and the fixed one together; 0: neither.
std::int64_t total_rank(const Linear& linear);

}  // namespace lq
