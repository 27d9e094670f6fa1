#include "train/compress_adapter.h"

#include <cmath>

#include "base/error.h"
#include "ops/host_math.h"
#include "quant/format.h"

namespace lq {
namespace {

struct Squares {
  double error = 0.0, norm = 0.0;
};

Squares round_factor(Context& ctx, const Quantizer& quantizer, Parameter& p) {
  Tensor rounded = Tensor::empty(DType::kF32, p.value.shape());
  const float* const w = p.value.data<float>();
  float* const q = rounded.mutable_data<float>();
  Squares s;
  // In one go, whatever the size: as the figures on record were made.
  const std::int64_t whole = std::max<std::int64_t>(1, p.value.numel());
  s.norm = sum_of_squares(ctx.pool, p.values(), whole);
  LQ_CHECK(std::isfinite(s.norm), kInvalidArgument, "[train] {} is not finite", p.name);
  quantizer.round_trip(ctx.pool, w, p.value.dim(0), p.value.dim(1), q);
  s.error = squared_distance(ctx.pool, span_of<float>(rounded), p.values(), whole);
  p.value = std::move(rounded);
  return s;
}

}  // namespace

std::unique_ptr<const Quantizer> adapter_quantizer() {
  return make_quantizer(parse_choice("nf,8,8,fp32,64,256", "compress"));
}

CompressedAdapter compress_adapter(Context& ctx, Model& model, const Quantizer& quantizer) {
  Squares sum;
  double bits = 0.0;
  double weights = 0.0;
  const auto round_part = [&](auto* lora) {  // Lora or EmbeddingLora
    for (Parameter* p : {&lora->a, &lora->b}) {
      const Squares s = round_factor(ctx, quantizer, *p);
      sum.error += s.error;
      sum.norm += s.norm;
      bits += quantizer.bits_per_weight() * static_cast<double>(p->value.numel());
    }
    if (lora->magnitude != nullptr) bits += 8.0 * static_cast<double>(lora->magnitude->m.value.bytes());
  };
  for (const Module& m : model.modules()) {
    Linear* const linear = m.linear;
    if (linear->lora() == nullptr && linear->fixed_lora() == nullptr) continue;
    for (Lora* lora : {linear->lora(), linear->fixed_lora()}) {
      if (lora != nullptr) round_part(lora);
    }
    bits += 8.0 * static_cast<double>(linear->weight().bytes());
    weights += static_cast<double>(linear->in() * linear->out());
  }
  if (EmbeddingLora* const lora = model.embedding().lora(); lora != nullptr) {
    round_part(lora);
    const Tensor& table = model.embedding().table().value;
    bits += 8.0 * static_cast<double>(table.bytes());
    weights += static_cast<double>(table.numel());
  }
  LQ_CHECK(weights > 0, kInvalidArgument, "[train] there is no low-rank part to compress");
  return {sum.norm > 0 ? std::sqrt(sum.error / sum.norm) : 0.0, bits / weights};
}

}  // namespace lq
