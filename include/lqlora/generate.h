// Text from a model.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lqlora/context.h"
#include "lqlora/model.h"
#include "lqlora/tokenizer.h"

namespace lqlora {

// All is as it stands here: of the model's generation_config.json only the end tokens are looked at, while
// the program's `generate` takes its defaults from there.
struct GenerateOptions {
  std::int64_t max_tokens = 256;
  // Applied in this order, as transformers does: repetition penalty, temperature, top-k, top-p, min-p.
  double repetition_penalty = 1.0;
  double temperature = 0.0;  // 0: the most likely token, always
  std::int64_t top_k = 0;    // 0: all
  double top_p = 1.0;
  double min_p = 0.0;
  std::vector<std::string> stop = {};  // ends before the first of these texts
  bool ignore_eos = false;
  // Packed weights rounded further for speed (about 1 % of a product); false: within 1e-4 of the weights.
  bool fast = true;
};

struct Generated {
  std::vector<std::int32_t> ids;  // new tokens
  std::string text;
  std::string stop;  // why it ended: "eos", "stop", "length", "context", "callback"
  std::int64_t prompt_tokens = 0;
};

// Keeps what it has computed: a prompt that begins like the last one's text is not run again, unless a
// Trainer has changed its model since.
class Generator {
 public:
  // Gets text as it becomes certain, in whole UTF-8 characters. False: stop.
  using OnText = std::function<bool(std::string_view)>;

  // Borrows the model while it lives; it may be moved. context: tokens at most; 0: the model's own. Throws
  // Error(kInvalidArgument) for a negative one or more than the model's, Error(kUnsupported) for an encoder.
  Generator(const Model& model, const Tokenizer& tokenizer, std::int64_t context = 0);
  ~Generator();
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;

  // Random draws depend on the Context's seed. Throws Error(kInvalidArgument) naming an option and its range,
  // and for a prompt that leaves no room. An empty text starts from the tokenizer's BOS, or from EOS where it
  // has none; with neither it is refused, as empty ids are.
  Generated generate(Context& context, std::string_view prompt, const GenerateOptions& options = {},
                     const OnText& on_text = {});
  // The same after the whole sequence so far as ids.
  Generated generate(Context& context, std::span<const std::int32_t> ids, const GenerateOptions& options = {},
                     const OnText& on_text = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lqlora
