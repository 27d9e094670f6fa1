#include "quant/ggml/block_fit.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "quant/ggml/block_fields.h"

namespace lq::ggml {
namespace {

constexpr int kRounds = 2;  // of fitting whole numbers and the numbers that they multiply in turn

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

// Shares of the range that candidates span: the fewer codes, the more it pays to cut off large weights.
std::span<const float> shares_of(const BlockKind& kind, bool search) {
  static constexpr std::array kWhole = {1.0F};
  static constexpr std::array kFew = {1.0F,  0.45F, 0.5F,  0.55F, 0.6F,  0.65F, 0.7F,
                                      0.75F, 0.8F,  0.85F, 0.9F,  0.95F, 1.1F};
  static constexpr std::array kSome = {1.0F,  0.62F, 0.67F, 0.72F, 0.77F, 0.82F,
                                       0.87F, 0.91F, 0.95F, 1.04F, 1.08F};
  static constexpr std::array kMany = {1.0F, 0.84F, 0.88F, 0.92F, 0.96F, 1.02F};
  if (!search) return kWhole;
  return kind.codes <= 8    ? std::span<const float>(kFew)
         : kind.codes <= 16 ? std::span<const float>(kSome)
                            : kMany;
}

struct SubBlock {
  const float* x;
  const float* w;  // importance
  int n;
};

struct Fitted {
  float step = 0.0F, base = 0.0F;
};

// sum w x v and sum w v^2.
struct Sums {
  float xv = 0.0F, vv = 0.0F;
};

template <typename Nearest>
Sums sums_at(const SubBlock& b, float step, const Nearest& nearest) {
  const float inverse = 1.0F / step;
  Sums s;
  for (int i = 0; i < b.n; ++i) {
    const float v = nearest(b.x[i] * inverse);
    s.xv += b.w[i] * b.x[i] * v;
    s.vv += b.w[i] * v * v;
  }
  return s;
}

// Without a base: the step of the candidate that takes most off the error, by least squares.
template <typename Nearest>
Fitted fit_step(const BlockKind& kind, const SubBlock& b, std::span<const float> shares, bool search,
                const Nearest& nearest) {
  float most = 0.0F;
  for (int i = 0; i < b.n; ++i) most = std::max(most, std::abs(b.x[i]));
  if (!(most > 1e-30F)) return {};
  float best = 0.0F;
  Fitted fitted;
  fitted.step = most / kind.reach();
  const auto try_step = [&](float step) {
    const Sums s = sums_at(b, step, nearest);
    if (!(s.vv > 0.0F) || !(s.xv * s.xv > best * s.vv)) return false;
    best = s.xv * s.xv / s.vv;
    fitted.step = s.xv / s.vv;
    return true;
  };
  for (const float share : shares) {
    const float step = most * share / kind.reach();
    try_step(step);
    if (search && kind.codes <= 32) try_step(-step);  // one side reaches farther than the other
  }
  if (!search) return fitted;
  for (int i = 0; i < kRounds && try_step(fitted.step); ++i) {
  }
  return fitted;
}

float sub_error(const SubBlock& b, const Fitted& f, float high) {
  if (f.step == 0.0F) {
    float error = 0.0F;
    for (int i = 0; i < b.n; ++i) error += b.w[i] * (b.x[i] + f.base) * (b.x[i] + f.base);
    return error;
  }
  const EvenValues nearest{0.0F, high};
  const float inverse = 1.0F / f.step;
  float error = 0.0F;
  for (int i = 0; i < b.n; ++i) {
    const float off = b.x[i] + f.base - f.step * nearest((b.x[i] + f.base) * inverse);
    error += b.w[i] * off * off;
  }
  return error;
}

// Least squares of step and base against the codes that f gives. signed_base: the base may be below 0.
Fitted refit_pair(const SubBlock& b, const Fitted& f, float high, bool signed_base) {
  const EvenValues nearest{0.0F, high};
  const float inverse = f.step == 0.0F ? 0.0F : 1.0F / f.step;
  double w = 0.0, q = 0.0, qq = 0.0, x = 0.0, xq = 0.0;
  for (int i = 0; i < b.n; ++i) {
    const double code = nearest((b.x[i] + f.base) * inverse);
    const double weight = b.w[i];
    w += weight;
    q += weight * code;
    qq += weight * code * code;
    x += weight * b.x[i];
    xq += weight * code * b.x[i];
  }
  const double det = w * qq - q * q;
  Fitted to = f;
  if (det > 1e-12 * w * qq) {
    to.step = static_cast<float>((w * xq - q * x) / det);
    to.base = static_cast<float>((q * xq - qq * x) / det);
  }
  if (!signed_base && (to.base < 0.0F || !(det > 1e-12 * w * qq))) {
    to.base = 0.0F;
    to.step = qq > 0.0 ? static_cast<float>(xq / qq) : 0.0F;
  }
  if (to.step < 0.0F) return f;
  return to;
}

Fitted fit_pair(const BlockKind& kind, const SubBlock& b, std::span<const float> shares, bool search) {
  const bool signed_base = !kind.whole_numbers();
  float low = b.x[0];
  float high = b.x[0];
  for (int i = 1; i < b.n; ++i) {
    low = std::min(low, b.x[i]);
    high = std::max(high, b.x[i]);
  }
  if (!signed_base) low = std::min(low, 0.0F);
  if (!(high - low > 1e-30F)) return {0.0F, signed_base ? -low : std::max(0.0F, -low)};
  const auto top = static_cast<float>(kind.codes - 1);
  Fitted best = {(high - low) / top, -low};
  if (!search) return best;
  float least = sub_error(b, best, top);
  const auto try_pair = [&](const Fitted& f) {
    const float error = sub_error(b, f, top);
    if (!(error < least)) return false;
    least = error;
    best = f;
    return true;
  };
  for (const float share : shares) {
    const float range = (high - low) * share;
    for (const float side : {0.0F, 0.5F}) {  // what is cut off: above only, or above and below alike
      const float start = low + (high - low - range) * side;
      const Fitted f = {range / top, signed_base ? -start : std::max(0.0F, -start)};
      try_pair(refit_pair(b, f, top, signed_base));
      if (share == 1.0F) break;
    }
  }
  for (int i = 0; i < kRounds && try_pair(refit_pair(b, best, top, signed_base)); ++i) {
  }
  return best;
}

// A number d and whole numbers k[i] in [low, high] with d k[i] near a[i], by weighted least squares.
float fit_whole(const float* a, const float* weight, int n, int low, int high, int* k) {
  float reach = 0.0F;
  for (int i = 0; i < n; ++i) reach = std::abs(a[i]) > std::abs(reach) ? a[i] : reach;
  std::fill_n(k, n, 0);
  if (reach == 0.0F) return 0.0F;
  const auto bottom = static_cast<float>(low);
  const auto top = static_cast<float>(high);
  float best_d = 0.0F;
  float best = 0.0F;
  bool any = false;
  const auto try_d = [&](float d) {
    const EvenValues nearest{bottom, top};
    const float inverse = 1.0F / d;
    float kk = 0.0F;
    float ka = 0.0F;
    for (int i = 0; i < n; ++i) {
      const float v = nearest(a[i] * inverse);
      kk += weight[i] * v * v;
      ka += weight[i] * v * a[i];
    }
    if (!(kk > 0.0F) || (any && !(ka * ka > best * kk))) return;
    best = ka * ka / kk;
    best_d = ka / kk;
    any = true;
  };
  for (int step = 0; step < 24; ++step) {
    const float share = 1.04F - 0.025F * static_cast<float>(step);
    try_d(reach / (top * share));
    if (low < 0) try_d(reach / (bottom * share));
  }
  if (!any) best_d = reach / top;
  const EvenValues nearest{bottom, top};
  for (int i = 0; i < n; ++i) k[i] = static_cast<int>(nearest(a[i] / best_d));
  return best_d;
}

class BlockSearch {
 public:
  BlockSearch(const BlockKind& kind, const float* x, const float* w, bool search)
      : kind_(kind), x_(x), w_(w), search_(search), shares_(shares_of(kind, search)) {}

  BlockScales run() {
    std::array<Fitted, kMostSubBlocks> wanted;
    for (int i = 0; i < kind_.subs(); ++i) {
      wanted[place(i)] = kind_.least ? fit_pair(kind_, sub(i), shares_, search_)
                                     : with_values(kind_, [&](const auto& nearest) {
                                         return fit_step(kind_, sub(i), shares_, search_, nearest);
                                       });
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
      for (int round = 0; round < kRounds; ++round) {
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
