#include "train/adamw.h"

#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace lq {
namespace {

constexpr std::int64_t kGrain = 64 * kMomentBlock;

std::int64_t blocks_of(std::int64_t count) { return (count + kMomentBlock - 1) / kMomentBlock; }

// Fills `to` with the tensor of that name.
void read_into(const SafetensorsReader& file, const std::string& name, Tensor& to) {
  const TensorView& view = file.at(name);
  LQ_CHECK(view.dtype() == to.dtype() && view.shape() == to.shape(), kMismatch,
           "[train] {}: {} is {} {}, but {} {} was expected", file.path().string(), name,
           dtype_name(view.dtype()), shape_text(view.shape()), dtype_name(to.dtype()),
           shape_text(to.shape()));
  if (to.bytes() > 0) std::memcpy(to.mutable_raw(), view.data, to.bytes());
}

}  // namespace

struct AdamW::Rates {
  float keep, beta1, new1, beta2, new2, rate, root, eps, grad;
};

AdamW::AdamW(std::vector<TrainedParameter> parameters, const AdamWOptions& options)
    : parameters_(std::move(parameters)), options_(options), signed_(true), unsigned_(false) {
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
    std::memset(m.m.mutable_raw(), signed_.nearest(0.0F), m.m.bytes());
    std::memset(m.v.mutable_raw(), unsigned_.nearest(0.0F), m.v.bytes());
    m.m_scale = Tensor::zeros(DType::kF32, {blocks_of(n)});
    m.v_scale = Tensor::zeros(DType::kF32, {blocks_of(n)});
  }
}

void AdamW::step(ThreadPool& pool, double lr, double grad_scale) {
  ++steps_;
  const double t = static_cast<double>(steps_);
  const double correct1 = 1.0 - std::pow(options_.beta1, t);
  const double correct2 = 1.0 - std::pow(options_.beta2, t);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TrainedParameter& p = parameters_[i];
    const double own = lr * p.lr_ratio;
    const Rates rates{static_cast<float>(1.0 - own * p.weight_decay),
                      static_cast<float>(options_.beta1),
                      static_cast<float>(1.0 - options_.beta1),
                      static_cast<float>(options_.beta2),
                      static_cast<float>(1.0 - options_.beta2),
                      static_cast<float>(own / correct1),
                      static_cast<float>(1.0 / std::sqrt(correct2)),
                      static_cast<float>(options_.eps),
                      static_cast<float>(grad_scale)};
    parallel_for(pool, p.parameter->value.numel(), kGrain,
                 [&](std::int64_t begin, std::int64_t end) { update(i, begin, end, rates); });
  }
}

void AdamW::update(std::size_t index, std::int64_t begin, std::int64_t end, const Rates& r) {
  Parameter& p = *parameters_[index].parameter;
  Moments& moments = moments_[index];
  const bool packed = moments.m.dtype() == DType::kU8;
  std::array<float, kMomentBlock> m_block{};
  std::array<float, kMomentBlock> v_block{};
  for (std::int64_t at = begin; at < end; at += kMomentBlock) {
    const std::int64_t n = std::min(kMomentBlock, end - at);
    float* const w = p.value.mutable_data<float>() + at;
    const float* const g = p.grad.data<float>() + at;
    float* m = m_block.data();
    float* v = v_block.data();
    const auto block = static_cast<std::size_t>(at / kMomentBlock);
    if (packed) {
      decode_block(signed_, moments.m.data<std::uint8_t>() + at, moments.m_scale.data<float>()[block], n, m);
      decode_block(unsigned_, moments.v.data<std::uint8_t>() + at, moments.v_scale.data<float>()[block], n,
                   v);
    } else {
      m = moments.m.mutable_data<float>() + at;
      v = moments.v.mutable_data<float>() + at;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const float grad = g[i] * r.grad;
      m[i] = r.beta1 * m[i] + r.new1 * grad;
      v[i] = r.beta2 * v[i] + r.new2 * (grad * grad);
      w[i] = r.keep * w[i] - r.rate * (m[i] / (std::sqrt(v[i]) * r.root + r.eps));
    }
    if (packed) {
      moments.m_scale.mutable_data<float>()[block] =
          encode_block(signed_, m, n, moments.m.mutable_data<std::uint8_t>() + at);
      moments.v_scale.mutable_data<float>()[block] =
          encode_block(unsigned_, v, n, moments.v.mutable_data<std::uint8_t>() + at);
    }
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

void AdamW::restore(const SafetensorsReader& file, std::int64_t steps) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].parameter->name;
    Moments& m = moments_[i];
    read_into(file, "moment1." + name, m.m);
    read_into(file, "moment2." + name, m.v);
    if (m.m.dtype() != DType::kU8) continue;
    read_into(file, "moment1_scale." + name, m.m_scale);
    read_into(file, "moment2_scale." + name, m.v_scale);
  }
  steps_ = steps;
}

}  // namespace lq
