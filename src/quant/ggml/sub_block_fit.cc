#include "quant/ggml/sub_block_fit.h"

#include <array>
#include <cmath>

namespace lq::ggml {
namespace {

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

template <typename Nearest>
Fitted fit_step_to(const BlockKind& kind, const SubBlock& b, std::span<const float> shares, bool search,
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
  for (int i = 0; i < kFitRounds && try_step(fitted.step); ++i) {
  }
  return fitted;
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

}  // namespace

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

Fitted fit_step(const BlockKind& kind, const SubBlock& b, std::span<const float> shares, bool search) {
  return with_values(kind,
                     [&](const auto& nearest) { return fit_step_to(kind, b, shares, search, nearest); });
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
  for (int i = 0; i < kFitRounds && try_pair(refit_pair(b, best, top, signed_base)); ++i) {
  }
  return best;
}

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

}  // namespace lq::ggml
