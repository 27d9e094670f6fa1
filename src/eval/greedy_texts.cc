#include "eval/greedy_texts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/hash.h"
#include "eval/end_tokens.h"
#include "eval/generator.h"
#include "eval/stop_texts.h"
#include "ops/device_memory.h"
#include "tokenizers/stream_decoder.h"

namespace lq {
namespace {

constexpr std::int64_t kPromptPart = 512;  // tokens of a prompt that pass together
constexpr std::size_t kMostTogether = 64;  // texts of a batch

using Prompts = std::span<const std::vector<std::int32_t>>;

// A text that is being continued.
class Going {
 public:
  const TextBounds bounds;
  KvCache cache;
  std::vector<std::int32_t> ids;  // prompt and text; the last one is not in the cache yet

  Going(const Model& model, const Tokenizer& tokenizer, const std::vector<std::int32_t>& prompt,
        const GreedyOptions& options)
      : bounds{std::ssize(prompt), std::ssize(prompt) + options.max_tokens},
        cache(model.make_cache(std::ssize(prompt) + options.max_tokens)),
        ids(prompt),
        tokenizer_(tokenizer),
        decoder_(tokenizer, true, prompt),
        stop_(options.stop),
        has_stop_(!options.stop.empty()),
        left_(options.max_tokens) {}

  // Takes the next token; false: it was the last one.
  bool push(std::int32_t id, std::span<const std::int32_t> eos) {
    ids.push_back(id);
    if (std::ranges::find(eos, id) != eos.end()) return false;
    if (id < tokenizer_.vocab_size()) {  // an id that no token has gives no text
      text_ += stop_.push(decoder_.push(id));
      if (tokenizer_.is_special(id) && has_stop_) text_ += stop_.push(tokenizer_.piece(id), false);
    }
    return !stop_.found() && --left_ > 0;
  }
  std::string finish() {
    if (!stop_.found()) {
      text_ += stop_.push(decoder_.finish());
      text_ += stop_.finish();
    }
    return std::move(text_);
  }

 private:
  const Tokenizer& tokenizer_;
  tokenizers::StreamDecoder decoder_;
  StopTexts stop_;
  bool has_stop_;
  std::int64_t left_;
  std::string text_;
};

class GoingTexts {
 public:
  GoingTexts(Context& ctx, const Model& model, const Tokenizer& tokenizer, const GreedyOptions& options)
      : ctx_(ctx),
        model_(model),
        tokenizer_(tokenizer),
        options_(options),
        eos_(end_tokens(options.file, model.spec(), tokenizer)),
        sampler_(likeliest(options.file, eos_)),
        workspace_(model.device(), empty_tensor) {}

  std::vector<std::string> run(Prompts prompts) {
    std::vector<std::string> texts(prompts.size());
    std::vector<std::unique_ptr<Going>> all;
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      all.push_back(std::make_unique<Going>(model_, tokenizer_, prompts[i], options_));
      if (all[i]->push(after_all(*all[i]), eos_)) {
        active.push_back(i);
      } else {
        texts[i] = all[i]->finish();
        all[i].reset();
      }
    }
    while (!active.empty()) {
      ctx_.stop.check();
      const std::vector<std::int32_t> next = steps(all, active);
      std::vector<std::size_t> still;
      for (std::size_t k = 0; k < active.size(); ++k) {
        std::unique_ptr<Going>& going = all[active[k]];
        if (going->push(next[k], eos_)) {
          still.push_back(active[k]);
        } else {
          texts[active[k]] = going->finish();
          going.reset();
        }
      }
      active = std::move(still);
    }
    return texts;
  }

 private:
  static SamplerOptions likeliest(const GenerationConfig& file, const std::vector<std::int32_t>& ends) {
    return {.repetition_penalty = file.sampling.repetition_penalty.value_or(1.0),
            .rules = file.rules,
            .ends = ends};
  }

  // The next token of one text, all of which is in the cache then.
  std::int32_t after_all(Going& going) {
    const std::span<const std::int32_t> all = going.ids;
    if (model_.spec().starts_over(going.cache.length(), std::ssize(all))) going.cache.truncate(0);
    const std::int64_t from = going.cache.length();
    Scratch scratch(workspace_);
    const Matrix x = scratch.matrix(std::min(kPromptPart, std::ssize(all) - from), model_.spec().hidden);
    const Matrix logits = scratch.matrix(1, model_.spec().vocab);
    for (std::int64_t at = from; at < std::ssize(all); at += kPromptPart) {
      const std::int64_t count = std::min(kPromptPart, std::ssize(all) - at);
      const auto part = all.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
      model_.extend(ctx_, workspace_, going.cache, part, x.slice(0, count), std::ssize(all));
      if (at + count == std::ssize(all))
        model_.head().logits(ctx_, workspace_, x.slice(count - 1, 1), logits);
    }
    return sampler_.pick(on_host(ctx_, logits.flat(), copied_), all, going.bounds);
  }

  // The next tokens of all that go on; one text after another where angles depend on a text's length.
  std::vector<std::int32_t> steps(const std::vector<std::unique_ptr<Going>>& all,
                                  const std::vector<std::size_t>& active) {
    std::int64_t longest = 0;
    for (const std::size_t i : active) longest = std::max(longest, std::ssize(all[i]->ids));
    if (!model_.spec().turns_by_length(longest)) return step(all, active);
    std::vector<std::int32_t> next;
    for (const std::size_t i : active) next.push_back(after_all(*all[i]));
    return next;
  }

  std::vector<std::int32_t> step(const std::vector<std::unique_ptr<Going>>& all,
                                 const std::vector<std::size_t>& active) {
    std::vector<std::int32_t> ids;
    std::vector<std::int64_t> starts = {0};
    std::vector<KvCache*> caches;
    for (const std::size_t i : active) {
      ids.push_back(all[i]->ids.back());
      starts.push_back(std::ssize(ids));
      caches.push_back(&all[i]->cache);
    }
    const std::int64_t n = std::ssize(ids);
    Scratch scratch(workspace_);
    const Matrix x = scratch.matrix(n, model_.spec().hidden);
    model_.extend(ctx_, workspace_, caches, {ids, starts}, x);
    const std::int64_t most = std::min(n, model_.head().chunk_tokens());
    const Matrix logits = scratch.matrix(most, model_.spec().vocab);
    std::vector<std::int32_t> next;
    for (std::int64_t begin = 0; begin < n; begin += most) {
      const std::int64_t count = std::min(most, n - begin);
      model_.head().logits(ctx_, workspace_, x.slice(begin, count), logits.slice(0, count));
      const std::span<const float> rows = on_host(ctx_, logits.slice(0, count).flat(), copied_);
      const auto vocab = static_cast<std::size_t>(logits.cols);
      for (std::int64_t i = 0; i < count; ++i) {
        const Going& going = *all[active[static_cast<std::size_t>(begin + i)]];
        const auto row = rows.subspan(static_cast<std::size_t>(i) * vocab, vocab);
        next.push_back(sampler_.pick(row, going.ids, going.bounds));
      }
    }
    return next;
  }

  Context& ctx_;
  const Model& model_;
  const Tokenizer& tokenizer_;
  const GreedyOptions& options_;
  std::vector<std::int32_t> eos_;
  Sampler sampler_;            // takes the likeliest
  std::vector<float> copied_;  // logits of another device
  Workspace workspace_;
};

void check_prompts(const Model& model, Prompts prompts, const GreedyOptions& options) {
  for (const std::vector<std::int32_t>& ids : prompts) {
    LQ_CHECK(!ids.empty(), kInvalidArgument, "[tasks] a prompt is empty");
    check_sequence_length(model.spec(), std::ssize(ids) + options.max_tokens, "[tasks] prompt and answer");
    for (const std::int32_t id : ids) {
      LQ_CHECK(id >= 0 && id < model.spec().vocab, kMismatch,
               "[tasks] the tokenizer gives token {}, but the model knows {}", id, model.spec().vocab);
    }
  }
}

std::string asked_of(Prompts prompts, const GenerationConfig& file) {
  Hasher hasher;
  const std::string ends =
      fmt::format("{} {} {}{}", fmt::join(file.eos, ","), file.sampling.repetition_penalty.value_or(1.0),
                  fmt::join(file.stop_strings, "\n"), file.rules.key());
  hasher.update(ends.data(), ends.size());
  for (const std::vector<std::int32_t>& ids : prompts) {
    const std::int64_t size = std::ssize(ids);
    hasher.update(&size, sizeof size);
    hasher.update(ids.data(), ids.size() * sizeof(std::int32_t));
  }
  return hasher.hex();
}

}  // namespace

std::vector<std::string> greedy_texts(Context& ctx, const Model& model, const Tokenizer& tokenizer,
                                      Prompts prompts, const GreedyOptions& given) {
  GreedyOptions options = given;
  const auto& stop = options.file.stop_strings;
  options.stop.insert(options.stop.end(), stop.begin(), stop.end());
  LQ_CHECK(options.max_tokens > 0, kInvalidArgument, "[tasks] answers of {} tokens", options.max_tokens);
  check_prompts(model, prompts, options);
  Context decoding = generation_context(ctx, DecodePrecision::kFine, model.packed());
  const ModelSpec& spec = model.spec();
  const std::int64_t room = options.cache_bytes / (2 * spec.layers() * spec.kv_width() * 4);  // tokens
  std::vector<std::string> texts;
  GoingTexts batch(decoding, model, tokenizer, options);
  ctx.progress.begin("answer", std::ssize(prompts), "documents");
  for (std::size_t first = 0; first < prompts.size();) {
    ctx.stop.check();
    std::size_t last = first;
    std::int64_t tokens = 0;
    do {
      tokens += std::ssize(prompts[last]) + options.max_tokens;
    } while (++last < prompts.size() && last - first < kMostTogether &&
             tokens + std::ssize(prompts[last]) + options.max_tokens <= room);
    const Prompts part = prompts.subspan(first, last - first);
    const auto key = static_cast<std::int64_t>(first);
    const std::string asked = options.store != nullptr ? asked_of(part, options.file) : "";
    const nlohmann::json* kept = options.store != nullptr ? options.store->find(key, asked) : nullptr;
    const std::vector<std::string> found =
        kept != nullptr ? kept->get<std::vector<std::string>>() : batch.run(part);
    if (kept == nullptr && options.store != nullptr) options.store->put(key, asked, found);
    texts.insert(texts.end(), found.begin(), found.end());
    first = last;
    ctx.progress.update(static_cast<std::int64_t>(first), "");
  }
  ctx.progress.end();
  return texts;
}

}  // namespace lq
