#include "quant/ggml/block_fit.h"

#include <array>
#include <span>

#include "quant/ggml/sub_block_fit.h"

namespace lq::ggml {
namespace {

class BlockSearch {
 public:
  BlockSearch(const BlockKind& kind, const float* x, const float* w, bool search)
      : kind_(kind), x_(x), w_(w), search_(search), shares_(shares_of(kind, search)) {}

  BlockScales run() {
    std::array<Fitted, kMostSubBlocks> wanted;
    for (int i = 0; i < kind_.subs(); ++i) {
      wanted[place(i)] =
          kind_.least ? fit_pair(kind_, sub(i), shares_, search_) : fit_step(kind_, sub(i), shares_, search_);
    }
    BlockScales s;
    if (!kind_.whole_numbers()) {
      s.d = wanted[0].step;
      s.m = -wanted[0].base;
      s.restore(kind_);
      return s;
    }
    start(wanted, s);
    if (search_) {
      for (int round = 0; round < kFitRounds; ++round) {
        for (int i = 0; i < kind_.subs(); ++i) improve(i, s);
        refit(s);
      }
    }
    return s;
  }

 private:
  static std::size_t place(int i) { return static_cast<std::size_t>(i); }
  SubBlock sub(int i) const { return {x_ + i * kind_.sub, w_ + i * kind_.sub, kind_.sub}; }

  // Whole numbers near what the sub-blocks ask for, errors weighted by how much a sub-block feels them.
  void start(const std::array<Fitted, kMostSubBlocks>& wanted, BlockScales& s) const {
    std::array<float, kMostSubBlocks> steps{}, bases{}, of_step{}, of_base{};
    for (int i = 0; i < kind_.subs(); ++i) {
      const SubBlock b = sub(i);
      steps[place(i)] = wanted[place(i)].step;
      bases[place(i)] = wanted[place(i)].base;
      float weight = 0.0F;
      for (int k = 0; k < b.n; ++k) {
        weight += b.w[k];
        const float v = wanted[place(i)].step == 0.0F ? 0.0F : (b.x[k] + bases[place(i)]) / steps[place(i)];
        of_step[place(i)] += b.w[k] * v * v;
      }
      of_base[place(i)] = weight;
    }
    s.d = fit_whole(steps.data(), of_step.data(), kind_.subs(), kind_.scale_low, kind_.scale_high,
                    s.scale.data());
    if (kind_.least) {
      s.m = fit_whole(bases.data(), of_base.data(), kind_.subs(), 0, kind_.scale_high, s.least.data());
    }
    s.restore(kind_);
  }

  float error(int i, const Fitted& f) const {
    const SubBlock b = sub(i);
    if (kind_.least) return sub_error(b, f, static_cast<float>(kind_.codes - 1));
    if (f.step == 0.0F) return sub_error(b, {}, 0.0F);
    return with_values(kind_, [&](const auto& nearest) {
      const float inverse = 1.0F / f.step;
      float sum = 0.0F;
      for (int k = 0; k < b.n; ++k) {
        const float off = b.x[k] - f.step * nearest(b.x[k] * inverse);
        sum += b.w[k] * off * off;
      }
      return sum;
    });
  }

  // Neighbours of a sub-block's whole numbers.
  void improve(int i, BlockScales& s) const {
    const std::size_t at = place(i);
    const auto fitted = [&](int scale, int least) {
      return Fitted{s.d * static_cast<float>(scale), s.m * static_cast<float>(least)};
    };
    float lowest = error(i, fitted(s.scale[at], s.least[at]));
    const auto try_numbers = [&](int scale, int least) {
      if (scale < kind_.scale_low || scale > kind_.scale_high || least < 0 || least > kind_.scale_high)
        return;
      const float e = error(i, fitted(scale, least));
      if (!(e < lowest)) return;
      lowest = e;
      s.scale[at] = scale;
      s.least[at] = least;
    };
    const int scale = s.scale[at];
    const int least = s.least[at];
    try_numbers(scale - 1, least);
    try_numbers(scale + 1, least);
    if (!kind_.least) return;
    for (const int step : {-1, 1}) {
      try_numbers(s.scale[at], least + step);
      try_numbers(scale + step, least + step);
    }
  }

  // d and m by least squares against the codes at hand.
  void refit(BlockScales& s) const {
    s.restore(kind_);
    double dd = 0.0, dm = 0.0, mm = 0.0, xd = 0.0, xm = 0.0;
    for (int i = 0; i < kind_.subs(); ++i) {
      const SubBlock b = sub(i);
      const double least = s.least[place(i)];
      for (int k = 0; k < b.n; ++k) {
        const double v = double{kind_.value(code_of(kind_, s, place(i), b.x[k]))} * s.scale[place(i)];
        const double weight = b.w[k];
        dd += weight * v * v;
        dm -= weight * v * least;
        mm += weight * least * least;
        xd += weight * v * b.x[k];
        xm -= weight * least * b.x[k];
      }
    }
    const double det = dd * mm - dm * dm;
    if (kind_.least && det > 1e-12 * dd * mm) {
      const double d = (mm * xd - dm * xm) / det;
      const double m = (dd * xm - dm * xd) / det;
      if (d > 0.0 && m >= 0.0) {
        s.d = static_cast<float>(d);
        s.m = static_cast<float>(m);
      }
    } else if (dd > 0.0 && !kind_.least) {
      s.d = static_cast<float>(xd / dd);
    }
    s.restore(kind_);
  }

  const BlockKind& kind_;
  const float* x_;
  const float* w_;
  bool search_;
  std::span<const float> shares_;
};

}  // namespace

BlockScales fit_scales(const BlockKind& kind, const float* x, const float* importance, bool search) {
  return BlockSearch(kind, x, importance, search).run();
}

}  // namespace lq::ggml
