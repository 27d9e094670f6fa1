#include "train/adamw.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "models/placement.h"
#include "ops/device_memory.h"
#include "ops/repeat.h"
#include "tensor/matrix.h"

namespace lq {
namespace {

std::int64_t blocks_of(std::int64_t count) { return (count + kMomentBlock - 1) / kMomentBlock; }

// Fills `to` with the tensor of that name.
void read_into(Context& ctx, const SafetensorsReader& file, const std::string& name, Tensor& to) {
  const TensorView& view = file.at(name);
  LQ_CHECK(view.dtype() == to.dtype() && view.shape() == to.shape(), kMismatch,
           "[train] {}: {} is {} {}, but {} {} was expected", file.path().string(), name,
           dtype_name(view.dtype()), shape_text(view.shape()), dtype_name(to.dtype()),
           shape_text(to.shape()));
  copy_bytes(ctx, view.data, to);
}

}  // namespace

AdamW::AdamW(std::vector<TrainedParameter> parameters, const AdamWOptions& options)
    : parameters_(std::move(parameters)),
      options_(options),
      signed_(dynamic_table(true)),
      unsigned_(dynamic_table(false)) {
  for (const TrainedParameter& p : parameters_) {
    LQ_CHECK(p.parameter->trainable(), kInvalidArgument, "[train] {} has no gradient", p.parameter->name);
    const std::int64_t n = p.parameter->value.numel();
    Moments& m = moments_.emplace_back();
    if (!options_.eight_bit || n < kSmallestPacked) {
      m.m = Tensor::zeros(DType::kF32, {n});
      m.v = Tensor::zeros(DType::kF32, {n});
      continue;
    }
    m.m = Tensor::empty(DType::kU8, {n});
    m.v = Tensor::empty(DType::kU8, {n});
    std::memset(m.m.mutable_raw(), code_of_zero(signed_), m.m.bytes());
    std::memset(m.v.mutable_raw(), code_of_zero(unsigned_), m.v.bytes());
    m.m_scale = Tensor::zeros(DType::kF32, {blocks_of(n)});
    m.v_scale = Tensor::zeros(DType::kF32, {blocks_of(n)});
  }
}

void AdamW::to_device(Context& ctx) {
  if (options_.offload) return;
  for (Moments& moments : moments_) {
    for (Tensor* t : {&moments.m, &moments.v, &moments.m_scale, &moments.v_scale}) {
      if (t->numel() > 0 && t->device() != ctx.device) *t = copy_to_device(ctx, *t);
    }
  }
}

void AdamW::step(Context& ctx, double lr, double grad_scale) {
  ++steps_;
  const double t = static_cast<double>(steps_);
  const double correct1 = 1.0 - std::pow(options_.beta1, t);
  const double correct2 = 1.0 - std::pow(options_.beta2, t);
  rates_.clear();
  for (const TrainedParameter& p : parameters_) {
    const double own = lr * p.lr_ratio;
    rates_.push_back({static_cast<float>(1.0 - own * p.weight_decay), static_cast<float>(options_.beta1),
                      static_cast<float>(1.0 - options_.beta1), static_cast<float>(options_.beta2),
                      static_cast<float>(1.0 - options_.beta2), static_cast<float>(own / correct1),
                      static_cast<float>(1.0 / std::sqrt(correct2)), static_cast<float>(options_.eps),
                      static_cast<float>(grad_scale)});
  }
  if (ctx.device.is_cpu() || parameters_.empty()) return update(ctx);
  if (options_.offload) return update_on_host(ctx);
  const Parameter& first = *parameters_.front().parameter;
  RepeatedWork what;
  what.key = {key_of(Repeated::kUpdate), key_of(this), key_of(first.value.raw()), key_of(first.grad.raw())};
  what.inputs = {{rates_.data(), rates_.size() * sizeof(AdamWRates)}};
  repeat(
      ctx, what, [] { return std::shared_ptr<const void>(); }, [&](const void*) { update(ctx); });
}

void AdamW::update(Context& ctx) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i].parameter;
    update(ctx, i, span_of<float>(p.grad), span_of<float>(p.value));
  }
}

void AdamW::update_on_host(Context& ctx) {
  Context host = processor_context(ctx);
  std::vector<float> grad, w;  // of one parameter at a time
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i].parameter;
    const auto count = static_cast<std::size_t>(p.value.numel());
    grad.resize(count);
    w.resize(count);
    copy_values(ctx, span_of<float>(p.grad), Vector(grad));
    copy_values(ctx, span_of<float>(p.value), Vector(w));
    update(host, i, ConstVector(grad), Vector(w));
    copy_values(ctx, ConstVector(w), span_of<float>(p.value));
  }
}

void AdamW::update(Context& ctx, std::size_t i, ConstVector grad, Vector w) {
  Moments& m = moments_[i];
  if (m.m.dtype() == DType::kU8) {
    const MomentCodes codes{span_of<std::uint8_t>(m.m), span_of<std::uint8_t>(m.v), span_of<float>(m.m_scale),
                            span_of<float>(m.v_scale)};
    adamw_step(ctx, rates_[i], grad, w, codes, signed_, unsigned_);
  } else {
    adamw_step(ctx, rates_[i], grad, w, span_of<float>(m.m), span_of<float>(m.v));
  }
}

std::int64_t AdamW::bytes() const {
  std::size_t sum = 0;
  for (const Moments& m : moments_) {
    sum += m.m.bytes() + m.v.bytes() + m.m_scale.bytes() + m.v_scale.bytes();
  }
  return static_cast<std::int64_t>(sum);
}

std::vector<std::pair<std::string, const Tensor*>> AdamW::state() const {
  std::vector<std::pair<std::string, const Tensor*>> all;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].parameter->name;
    const Moments& m = moments_[i];
    all.emplace_back("moment1." + name, &m.m);
    all.emplace_back("moment2." + name, &m.v);
    if (m.m.dtype() != DType::kU8) continue;
    all.emplace_back("moment1_scale." + name, &m.m_scale);
    all.emplace_back("moment2_scale." + name, &m.v_scale);
  }
  return all;
}

void AdamW::restore(Context& ctx, const SafetensorsReader& file, std::int64_t steps) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].parameter->name;
    Moments& m = moments_[i];
    read_into(ctx, file, "moment1." + name, m.m);
    read_into(ctx, file, "moment2." + name, m.v);
    if (m.m.dtype() != DType::kU8) continue;
    read_into(ctx, file, "moment1_scale." + name, m.m_scale);
    read_into(ctx, file, "moment2_scale." + name, m.v_scale);
  }
  steps_ = steps;
}

}  // namespace lq
