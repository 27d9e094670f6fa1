#include "eval/generator.h"

#include <algorithm>

#include "base/option_error.h"
#include "base/process.h"
#include "eval/end_tokens.h"
#include "eval/stop_texts.h"
#include "ops/device_memory.h"
#include "tokenizers/stream_decoder.h"

namespace lq {
namespace {

constexpr std::size_t kPromptChunk = 512;  // tokens that pass together: bounds the scratch memory

std::int64_t context_of(const Model& model, std::int64_t asked) {
  check_option(asked >= 0, "context", "is {}, but must be 0 (the model's own) or more", asked);
  return asked > 0 ? asked : model.spec().max_positions;
}

}  // namespace

Context generation_context(const Context& ctx, DecodePrecision precision, bool packed) {
  Context result = ctx;
  result.decode_precision = precision;
  if (precision == DecodePrecision::kFast && !ctx.device.is_cpu()) {
    result.matmul_precision = MatmulPrecision::kBf16;
  } else if (precision == DecodePrecision::kFast && packed) {
    result.matmul_precision = MatmulPrecision::kI16;
  }
  return result;
}

std::string_view stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kEos:
      return "eos";
    case StopReason::kStopText:
      return "stop";
    case StopReason::kMaxTokens:
      return "length";
    case StopReason::kContextFull:
      return "context";
    case StopReason::kCallback:
      return "callback";
  }
  return "";
}

Generator::Generator(const Model& model, const Tokenizer& tokenizer, std::int64_t context)
    : model_(model),
      tokenizer_(tokenizer),
      context_(context_of(model, context)),
      cache_(model.make_cache(context_)),
      workspace_(model.device(), empty_tensor),
      eos_(end_tokens(GenerationConfig::load(model.checkpoint()->folder()), model.spec(), tokenizer)) {}

GenerateResult Generator::generate(Context& ctx, std::string_view prompt, const GenerateOptions& options,
                                   const OnText& on_text) {
  std::vector<std::int32_t> ids = tokenizer_.encode(prompt, true);
  // An empty prompt starts from BOS, or failing that from EOS, which ended the text before.
  if (ids.empty() && tokenizer_.bos_id()) ids.push_back(*tokenizer_.bos_id());
  if (ids.empty() && tokenizer_.eos_id()) ids.push_back(*tokenizer_.eos_id());
  return generate(ctx, ids, options, on_text);
}

GenerateResult Generator::generate(Context& ctx, std::span<const std::int32_t> ids,
                                   const GenerateOptions& options, const OnText& on_text) {
  LQ_CHECK(!ids.empty(), kInvalidArgument, "[generate] the prompt is empty");
  // A tokenizer may have more ids than the model, as long as none of them is used.
  for (const std::int32_t id : ids) {
    LQ_CHECK(id >= 0 && id < model_.spec().vocab, kMismatch,
             "[generate] the prompt has token {} ('{}'), but the model's vocabulary (vocab_size) only {} ids",
             id, id >= 0 && id < tokenizer_.vocab_size() ? tokenizer_.piece(id) : "", model_.spec().vocab);
  }
  LQ_CHECK(std::ssize(ids) < context_, kInvalidArgument,
           "[generate] the prompt has {} tokens, which leaves no room in a context of {}", ids.size(),
           context_);
  SamplerOptions choice = options.sampler;
  choice.ends = eos_;
  Sampler sampler(choice);
  GenerateResult result;
  result.prompt_tokens = std::ssize(ids);
  std::vector<std::int32_t> history(ids.begin(), ids.end());
  check_option(options.max_tokens >= 0, "max-tokens", "is {}, but must be 0 or more", options.max_tokens);
  if (options.max_tokens == 0) return result;
  const std::int64_t room = context_ + 1 - result.prompt_tokens;  // the last token needs no keys
  const TextBounds bounds{result.prompt_tokens, result.prompt_tokens + std::min(options.max_tokens, room)};

  result.reused_tokens = keep_cached(ids, options.precision);

  Context decoding = generation_context(ctx, options.precision, model_.packed());
  Scratch scratch(workspace_);
  const Matrix logits = scratch.matrix(1, model_.spec().vocab);
  // As the sampler reads them.
  std::vector<float> copied(logits.device.is_cpu() ? 0 : static_cast<std::size_t>(logits.cols));
  const std::span<float> on_host =
      copied.empty() ? std::span<float>(logits.data, static_cast<std::size_t>(logits.cols)) : copied;
  // The tokens behind those that are cached.
  const auto run = [&](std::span<const std::int32_t> sequence) {
    if (model_.spec().starts_over(turned_for_, std::ssize(sequence))) {
      cache_.truncate(0);
      cached_.clear();
    }
    turned_for_ = std::ssize(sequence);
    while (cached_.size() < sequence.size()) {
      const auto rest = sequence.subspan(cached_.size());
      const auto part = rest.first(std::min<std::size_t>(kPromptChunk, rest.size()));
      model_.decode(decoding, workspace_, cache_, part, logits, std::ssize(sequence));
      cached_.insert(cached_.end(), part.begin(), part.end());
    }
    if (!copied.empty()) copy_values(decoding, logits.flat(), copied);
  };
  const double start = monotonic_seconds();
  if (result.reused_tokens == std::ssize(ids)) {
    std::ranges::copy(after_prompt_, on_host.begin());
  } else {
    run(ids);
    prompt_.assign(ids.begin(), ids.end());
    after_prompt_.assign(on_host.begin(), on_host.end());
  }
  result.prompt_seconds = monotonic_seconds() - start;

  tokenizers::StreamDecoder decoder(tokenizer_, options.skip_special, history);
  StopTexts stop(options.stop);
  bool wanted = true;
  const auto show = [&](const std::string& text) {
    if (text.empty()) return;
    result.text += text;
    if (on_text && !on_text(text)) wanted = false;
  };
  const double first_token = monotonic_seconds();
  for (;;) {
    const std::int32_t id = sampler.pick(on_host, history, bounds);
    result.ids.push_back(id);
    history.push_back(id);
    if (!options.ignore_eos && std::ranges::find(eos_, id) != eos_.end()) {
      result.reason = StopReason::kEos;
      break;
    }
    // An id that no token has (the model's vocabulary may be padded) gives no text.
    if (id < tokenizer_.vocab_size()) {
      show(stop.push(decoder.push(id)));
      const bool hidden = options.skip_special && tokenizer_.is_special(id);
      if (hidden && !options.stop.empty()) show(stop.push(tokenizer_.piece(id), false));
    }
    if (stop.found()) {
      result.reason = StopReason::kStopText;
    } else if (!wanted) {
      result.reason = StopReason::kCallback;
    } else if (std::ssize(result.ids) >= options.max_tokens) {
      result.reason = StopReason::kMaxTokens;
    } else if (cache_.length() >= context_) {
      result.reason = StopReason::kContextFull;
    } else {
      run(history);
      continue;
    }
    break;
  }
  if (wanted && !stop.found()) {
    show(stop.push(decoder.finish()));
    show(stop.finish());
  }
  result.decode_seconds = monotonic_seconds() - first_token;
  return result;
}

// What the cache holds of this sequence stays, where its keys are turned as the sequence's are and were
// computed in this precision with these weights; unless it is the last prompt, at least one token must run to
// give logits.
std::int64_t Generator::keep_cached(std::span<const std::int32_t> ids, DecodePrecision precision) {
  const auto [mine, theirs] = std::ranges::mismatch(cached_, ids);
  const std::int64_t known = std::ranges::equal(ids, prompt_) ? std::ssize(ids) : std::ssize(ids) - 1;
  std::int64_t same = std::min<std::int64_t>(mine - cached_.begin(), known);
  if (!model_.spec().turns_alike(turned_for_, std::ssize(ids)) || precision != precision_) same = 0;
  if (model_.weights_version() != weights_version_) same = 0;
  precision_ = precision;
  weights_version_ = model_.weights_version();
  if (same == 0) turned_for_ = 0;
  cache_.truncate(same);
  cached_.resize(static_cast<std::size_t>(same));
  return same;
}

}  // namespace lq
