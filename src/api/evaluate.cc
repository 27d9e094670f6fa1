#include "lqlora/evaluate.h"

#include "api/context_impl.h"
#include "api/model_impl.h"
#include "api/tokenizer_impl.h"
#include "eval/perplexity.h"
#include "models/model_check.h"

namespace lqlora {

Perplexity perplexity(Context& context, const Model& model, const Tokenizer& tokenizer, std::string_view text,
                      const PerplexityOptions& options) {
  lq::PerplexityOptions inner;
  inner.seq_len = options.seq_len;
  if (options.reference != nullptr) {
    const Model::Impl& reference = options.reference->impl();
    lq::refuse_encoder(reference.model.spec(), reference.path.string(), "say the next token (perplexity)");
    inner.reference = &reference.model;
  }
  const lq::PerplexityResult r =
      lq::perplexity(context.impl().context, model.impl().model, *tokenizer.impl().tokenizer, text, inner);
  return {r.perplexity, r.nll_per_token, r.nll_per_byte, r.tokens, r.windows, r.bos, r.kl};
}

}  // namespace lqlora
