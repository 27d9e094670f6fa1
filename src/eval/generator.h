// Text from a model: prompt in, text out piece by piece.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/sampler.h"
#include "models/model.h"
#include "tensor/context.h"
#include "tokenizers/tokenizer.h"

namespace lq {

struct GenerateOptions {
  std::int64_t max_tokens = 256;  // new ones, at most
  SamplerOptions sampler = {};
  std::vector<std::string> stop = {};  // generation ends before the first of these texts
  bool ignore_eos = false;
  DecodePrecision precision = DecodePrecision::kFast;  // see generation_context
  // Leave the text of special tokens out; stop texts are found in it all the same.
  bool skip_special = true;
};

// How a model is computed with: kFast, of a packed model, means its prompts in 16-bit integers as well; on
// other devices than the processor, of any model, in bf16.
Context generation_context(const Context& ctx, DecodePrecision precision, bool packed);

enum class StopReason { kEos, kStopText, kMaxTokens, kContextFull, kCallback };
std::string_view stop_reason_name(StopReason reason);  // "eos", "stop", "length", "context", "callback"

struct GenerateResult {
  std::vector<std::int32_t> ids;  // new tokens, EOS included where it came
  std::string text;               // what was streamed
  StopReason reason = StopReason::kMaxTokens;
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;  // of the prompt, still cached from the call before
  double prompt_seconds = 0.0;     // until the first token's logits
  double decode_seconds = 0.0;     // for the tokens after the first
};

// Keeps the cache between calls, so that a conversation does not run its past again. The same prompt again
// gives the same logits; one that goes on from another differs by rounding from the same prompt to a new
// generator, as its keys came token by token. After a change of the model's weights (Model::weights_changed)
// it starts anew.
class Generator {
 public:
  // Gets text as it becomes certain: whole UTF-8 characters, never part of a stop text. False: stop.
  using OnText = std::function<bool(std::string_view)>;

  // model (where it will be computed) and tokenizer outlive this. context: tokens at most, 0: the model's
  // own. Throws Error(kInvalidArgument) where it exceeds the model's.
  Generator(const Model& model, const Tokenizer& tokenizer, std::int64_t context = 0);

  // ids: the whole sequence so far (a conversation: with all earlier turns). Throws Error(kInvalidArgument)
  // when it is empty or leaves no room in the context, Error(kMismatch) for an id beyond the model's
  // vocabulary.
  GenerateResult generate(Context& ctx, std::span<const std::int32_t> ids, const GenerateOptions& options,
                          const OnText& on_text = {});
  // A prompt as text, special tokens added as the tokenizer does.
  GenerateResult generate(Context& ctx, std::string_view prompt, const GenerateOptions& options,
                          const OnText& on_text = {});

  // A token that ends generation besides the model's own (eval/end_tokens.h): a chat template's.
  void add_eos(std::int32_t id) { eos_.push_back(id); }

 private:
  std::int64_t keep_cached(std::span<const std::int32_t> ids, DecodePrecision precision);

  const Model& model_;
  const Tokenizer& tokenizer_;
  std::int64_t context_;
  KvCache cache_;
  Workspace workspace_;
  std::vector<std::int32_t> cached_;   // ids that the cache holds
  std::uint64_t weights_version_ = 0;  // of the weights that they were computed with
  std::int64_t turned_for_ = 0;        // length of the sequence that their keys are turned for
  DecodePrecision precision_ = DecodePrecision::kFast;  // that their keys were computed in
  // The last prompt that ran as a whole, and the logits after it.
  std::vector<std::int32_t> prompt_;
  std::vector<float> after_prompt_;
  std::vector<std::int32_t> eos_;
};

}  // namespace lq
