#include "lqlora/generate.h"

#include "api/context_impl.h"
#include "api/model_impl.h"
#include "api/tokenizer_impl.h"
#include "eval/generator.h"

namespace lqlora {

struct Generator::Impl {
  // The tokenizer itself: a copy of the handle may be all that the caller keeps.
  Tokenizer tokenizer;
  lq::Generator generator;
};

namespace {

lq::GenerateOptions inner_options(const Context& context, const GenerateOptions& o) {
  lq::GenerateOptions inner;
  inner.max_tokens = o.max_tokens;
  inner.sampler = {o.temperature, o.top_k, o.top_p, o.min_p, o.repetition_penalty, 0, context.seed()};
  inner.stop = o.stop;
  inner.ignore_eos = o.ignore_eos;
  inner.precision = o.fast ? lq::DecodePrecision::kFast : lq::DecodePrecision::kFine;
  return inner;
}

Generated outer(lq::GenerateResult&& r) {
  return {std::move(r.ids), std::move(r.text), std::string(lq::stop_reason_name(r.reason)), r.prompt_tokens};
}

}  // namespace

Generator::Generator(const Model& model, const Tokenizer& tokenizer, std::int64_t context)
    : impl_(new Impl{tokenizer, {model.impl().model, *tokenizer.impl().tokenizer, context}}) {}
Generator::~Generator() = default;
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;

Generated Generator::generate(Context& context, std::string_view prompt, const GenerateOptions& options,
                              const OnText& on_text) {
  return outer(
      impl_->generator.generate(context.impl().context, prompt, inner_options(context, options), on_text));
}

Generated Generator::generate(Context& context, std::span<const std::int32_t> ids,
                              const GenerateOptions& options, const OnText& on_text) {
  return outer(
      impl_->generator.generate(context.impl().context, ids, inner_options(context, options), on_text));
}

}  // namespace lqlora
