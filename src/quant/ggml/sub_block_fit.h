// The scales that a sub-block of ggml's types wants for itself, before all of a block's are rounded to what
// it stores.
#pragma once

#include <algorithm>
#include <span>

#include "quant/ggml/block_fields.h"
#include "quant/ggml/block_kind.h"

namespace lq::ggml {

constexpr int kFitRounds = 2;  // of fitting whole numbers and the numbers that they multiply in turn

// Nearest v(code) of evenly spaced codes; x within 2^22.
struct EvenValues {
  float low, high;
  float operator()(float x) const {
    constexpr float kToWhole = 12582912.0F;  // 1.5 * 2^23: adding it leaves no fraction
    return (std::min(std::max(x, low), high) + kToWhole) - kToWhole;
  }
};

struct TableValues {
  float operator()(float x) const {
    float value = kIq4Values[0];
    for (std::size_t i = 1; i < kIq4Values.size(); ++i) {
      const float middle = 0.5F * static_cast<float>(kIq4Values[i - 1] + kIq4Values[i]);
      value = x > middle ? static_cast<float>(kIq4Values[i]) : value;
    }
    return value;
  }
};

template <typename Use>
auto with_values(const BlockKind& kind, const Use& use) {
  if (kind.table) return use(TableValues{});
  const auto low = static_cast<float>(-kind.zero);
  return use(EvenValues{low, low + static_cast<float>(kind.codes - 1)});
}

struct SubBlock {
  const float* x;
  const float* w;  // importance
  int n;
};

struct Fitted {
  float step = 0.0F, base = 0.0F;
};

// Shares of the range that candidates span: the fewer codes, the more it pays to cut off large weights.
std::span<const float> shares_of(const BlockKind& kind, bool search);

// Without a base: the step of the candidate that takes most off the error, by least squares.
Fitted fit_step(const BlockKind& kind, const SubBlock& b, std::span<const float> shares, bool search);
// With one.
Fitted fit_pair(const BlockKind& kind, const SubBlock& b, std::span<const float> shares, bool search);

// The weighted squared error of a sub-block with a base. high: the largest code.
float sub_error(const SubBlock& b, const Fitted& f, float high);

// A number d and whole numbers k[i] in [low, high] with d k[i] near a[i], by weighted least squares.
float fit_whole(const float* a, const float* weight, int n, int low, int high, int* k);

}  // namespace lq::ggml
