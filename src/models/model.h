// A transformer, a causal language model or an encoder: embedding, blocks, head. Whole passes, and block by
// block for those who stream (calibration): embed, block(i).forward / backward, head.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "models/model_spec.h"
#include "models/module.h"
#include "models/transformer_block.h"
#include "nn/embedding.h"
#include "nn/heads/label_head.h"
#include "nn/heads/next_token_head.h"
#include "nn/kv_cache.h"
#include "nn/sequence_plan.h"
#include "tensor/context.h"
#include "tensor/workspace.h"

namespace lq {

struct ModelLoadOptions {
  // A PEFT adapter to put beside the linears. Empty: the one in DIRECTORY/adapter of a packed model, where
  // there is one.
  std::filesystem::path adapter = {};
  bool no_adapter = false;  // not even that one
  // What the adapter adds is multiplied by this. Not 1: Error(kInvalidArgument) where there is no adapter,
  // Error(kUnsupported) for one that replaces whole tensors, which cannot be scaled.
  double lora_scale = 1.0;
  // Whether an adapter that names its base's hash is checked against the model's. A packed model has its hash
  // in config.json; a dense one is read whole for it.
  bool check_base_hash = true;
  // Every weight of a dense model as a parameter, so that all can learn. Else matrices that a file has in
  // blocks (GGUF, MXFP4) stay as they are there, frozen, and are decoded where a product needs them.
  bool decode_all = false;
  // A head over whole sequences (encoders only): the checkpoint's where it has one of this size, else a fresh
  // one, drawn with the context's seed as Hugging Face draws them (Model::fresh names its parameters).
  std::optional<LabelSpec> labels = {};
};

// What backward keeps from forward.
enum class Keep {
  kBlocks,      // each block's input; everything else is computed again
  kActivations  // outputs of the linears too: no matrix product is done twice
};

// Memory of a training pass, held from step to step.
struct ModelTape {
  Keep keep = Keep::kActivations;
  std::vector<Tensor> inputs;     // of each block, [tokens, hidden]
  std::vector<BlockTape> blocks;  // one, or one for each block
  std::int64_t bytes() const;
};

struct ModelMemory {
  std::int64_t weights = 0;      // stored form, mapped or owned
  std::int64_t parameters = 0;   // what learns: values and gradients, f32
  std::int64_t activations = 0;  // ModelTape
  std::int64_t scratch = 0;      // Workspace
  std::int64_t total() const { return weights + parameters + activations + scratch; }
};

// Move-only. Const members are thread-safe for distinct workspaces, caches and tapes.
class Model {
 public:
  // Dense Hugging Face directories and packed ones of ours; files are mapped, not read. Throws, with file,
  // key or tensor named: Error(kNotFound), Error(kCorruptFile), Error(kUnsupported); Error(kMismatch) for
  // weights whose shape disagrees with config.json (both named), and for an adapter of another base (both
  // hashes named) or for unknown modules.
  static Model load(Context& ctx, CheckpointPtr checkpoint, const ModelLoadOptions& options = {});
  // Opens the path.
  static Model load(Context& ctx, const std::filesystem::path& path, const ModelLoadOptions& options = {});
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  const ModelSpec& spec() const;
  // Of modules and parameters in the checkpoint, by their roles.
  const TensorNames& names() const;
  const JsonObject& hf_config() const;
  const CheckpointPtr& checkpoint() const;
  bool packed() const;
  bool has_adapter() const;

  // Parameters by checkpoint name: norms, biases, dense weights; not those of adapters.
  Parameter* find_parameter(std::string_view name);
  std::vector<Parameter*> parameters();
  // Every linear once: block by block, the head's projection last.
  std::vector<Module> modules();
  // Null where there is no such module.
  Linear* find_linear(std::string_view module);
  Embedding& embedding();
  // Everything that learns now: adapters' A, B and magnitudes, and what make_trainable was called on.
  std::vector<Parameter*> trainable();
  // Gradients of all adapters' A, B and magnitudes from now on.
  void train_adapters();
  // After a step of training: factors of magnitudes follow what has changed (Linear::update_magnitude).
  void update_magnitudes(Context& ctx);
  // Whether a low-rank part has a magnitude (DoRA).
  bool has_magnitudes();
  // Who changes weights says so, and who keeps what was computed with them sees it by another version.
  void weights_changed();
  std::uint64_t weights_version() const;
  // Dropout before every low-rank part from now on; null: none. It outlives its use.
  void set_lora_dropout(const LoraDropout* dropout);

  // --- on another device than the processor ---
  // Where its numbers lie.
  Device device() const;
  // Why it can be computed on the processor only; empty where it can go to others.
  std::string stays_on_cpu() const;
  // Brings everything to the context's device, tensor by tensor. What learns, adapters and hashes are settled
  // before. Throws Error(kUnsupported) as stays_on_cpu says, Error(kIo) where there is no room.
  void to_device(Context& ctx);
  // For a job that decodes, after to_device: packed weights in the order in which products of few rows read
  // them fastest. And how many bytes that takes more.
  void to_tiles(Context& ctx);
  std::int64_t tile_growth(const Context& ctx) const;
  // What learns and what adapters brought come back to the processor; the rest stays.
  void adapters_to_host(Context& ctx);
  // Bytes in bf16 of what products decode at once, with low-rank parts beside it: at most, and for all packed
  // weights of the block that has most.
  std::int64_t largest_decoded_bytes() const;
  std::int64_t decoded_block_bytes() const;

  // Loads a PEFT adapter beside the linears and the embedding (replacing any); whole tensors in it replace
  // the model's, as in PEFT: a copy that belongs to one module (modules_to_save) leaves the other of a tied
  // pair as it was, a tensor in the base layer's place changes both. `base_hash`: of this model, empty: not
  // checked.
  void load_adapter(Context& ctx, const std::filesystem::path& directory, std::string_view base_hash,
                    double lora_scale = 1.0);
  // Names of the parameters that an adapter has replaced whole.
  const std::vector<std::string>& replaced() const;
  // Hash that adapters name their base by: from config.json of a packed model, else computed from the files.
  std::string base_hash(Context& ctx) const;

  // --- block by block ---
  SequencePlan plan(Context& ctx, const TokenBatch& batch) const;
  // x: [tokens, hidden], what the first block reads: the tokens' vectors, and learned positions where the
  // model has them. plan: of the same tokens. Throws Error(kInvalidArgument) for ids outside the vocabulary.
  void embed(Context& ctx, const SequencePlan& plan, std::span<const std::int32_t> ids, Matrix x) const;
  // dx of embed's output, where anything learns there.
  void embed_backward(Context& ctx, const SequencePlan& plan, std::span<const std::int32_t> ids,
                      ConstMatrix dx);
  TransformerBlock& block(std::int64_t layer);
  const TransformerBlock& block(std::int64_t layer) const;
  // Throws Error(kUnsupported) where the model has none (has_head of its spec).
  NextTokenHead& head();
  const NextTokenHead& head() const;
  // The head over whole sequences; null where the model has none.
  LabelHead* label_head();
  const LabelHead* label_head() const;
  // Weights and biases of that head that the checkpoint did not have.
  const std::vector<std::string>& fresh() const;

  // --- whole passes ---
  // x = output of the last block for the batch, before the final norm. x: [tokens, hidden].
  void forward_hidden(Context& ctx, Workspace& ws, const TokenBatch& batch, Matrix x) const;
  // losses[t] in nats of predicting targets[t] (see next_token_targets), 0 where ignored. `on_logits` gets
  // logits by chunks.
  void losses(Context& ctx, Workspace& ws, const TokenBatch& batch, std::span<const std::int32_t> targets,
              std::span<float> losses,
              const std::function<void(std::int64_t, ConstMatrix)>& on_logits = {}) const;
  // The same, and gradients of scale * (sum of losses) += where something learns.
  void losses_backward(Context& ctx, Workspace& ws, ModelTape& tape, const TokenBatch& batch,
                       std::span<const std::int32_t> targets, float scale, std::span<float> losses);

  // losses[t] = KL(what `reference` says after token t || what this model says) in nats, 0 where the target
  // is ignored. REQUIRES: the same vocabulary (throws Error(kMismatch)), and both on one device.
  void divergences(Context& ctx, Workspace& ws, const Model& reference, const TokenBatch& batch,
                   std::span<const std::int32_t> targets, std::span<float> losses) const;
  // The same, and gradients of scale * (sum of losses) += where something learns.
  void divergences_backward(Context& ctx, Workspace& ws, ModelTape& tape, const Model& reference,
                            const TokenBatch& batch, std::span<const std::int32_t> targets, float scale,
                            std::span<float> losses);

  // --- whole sequences ---
  // outputs = of the head over whole sequences: [sequences, outputs]. Throws Error(kUnsupported) where there
  // is no such head.
  void label_outputs(Context& ctx, Workspace& ws, const TokenBatch& batch, Matrix outputs) const;
  // losses[s] of sequence s and its label (LabelHead::loss), and gradients of scale * (sum of losses) +=
  // where something learns.
  void label_losses_backward(Context& ctx, Workspace& ws, ModelTape& tape, const TokenBatch& batch,
                             std::span<const float> labels, float scale, std::span<float> losses);
  // The losses and outputs alone.
  void label_losses(Context& ctx, Workspace& ws, const TokenBatch& batch, std::span<const float> labels,
                    std::span<float> losses, Matrix outputs) const;

  // --- decoding ---
  // capacity: tokens, at most. Throws as check_sequence_length.
  KvCache make_cache(std::int64_t capacity) const;
  // Runs the next tokens of a sequence; x = output of the last block for them, before the final norm.
  // x: [tokens, hidden]. whole: tokens of the sequence when all its parts that pass one after another have
  // passed, for a rotation that depends on it (spec().turns_by_length); 0: this is the last part.
  void extend(Context& ctx, Workspace& ws, KvCache& cache, std::span<const std::int32_t> ids, Matrix x,
              std::int64_t whole = 0) const;
  // The next tokens of several sequences in one pass: the batch's sequence i goes on in caches[i], which are
  // different ones. x: [tokens, hidden].
  void extend(Context& ctx, Workspace& ws, std::span<KvCache* const> caches, const TokenBatch& batch,
              Matrix x) const;
  // The same; logits ([1, vocab]) after the last one.
  void decode(Context& ctx, Workspace& ws, KvCache& cache, std::span<const std::int32_t> ids, Matrix logits,
              std::int64_t whole = 0) const;

  // Bytes needed for passes over `tokens` tokens; training counts gradients and activations kept.
  ModelMemory memory_estimate(std::int64_t tokens, bool training, Keep keep = Keep::kActivations) const;

  struct State;  // internal: model_state.h

 private:
  // Forward with the blocks' inputs and activations kept, `head` (last block's output -> its gradient), and
  // backward.
  void pass_backward(Context& ctx, Workspace& ws, ModelTape& tape, const SequencePlan& plan,
                     const TokenBatch& batch, const std::function<void(ConstMatrix, Matrix)>& head);
  // extend, and logits ([1, vocab]) after the last token where they have data.
  void pass_cached(Context& ctx, Workspace& ws, std::span<KvCache* const> caches, const TokenBatch& batch,
                   Matrix x, Matrix logits, std::int64_t whole) const;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What a tensor is called in a Hugging Face model with a head over sequences: behind its body's prefix, which
// a checkpoint of the bare body lacks. REQUIRES: the model has such a head.
std::string name_beside_labels(const Model& model, const std::string& name);

}  // namespace lq
