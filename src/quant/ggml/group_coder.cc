#include "quant/ggml/group_coder.h"

#include <algorithm>
#include <cmath>

#include "base/float16.h"
#include "quant/ggml/block_fit.h"

namespace lq::ggml {
namespace {

double squared_length(const std::vector<float>& x, int n) {
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += double{x[static_cast<std::size_t>(i)]} * x[static_cast<std::size_t>(i)];
  return sum;
}

float as_half(float x) { return to_float(to_f16(std::clamp(x, -65504.0F, 65504.0F))); }

}  // namespace

GroupCoder::GroupCoder(const BlockKind& kind, bool search)
    : kind_(kind),
      search_(search),
      targets_(kGroupColumns),
      direction_(kGroupColumns),
      along_(kGroupColumns) {
  for (Coded* coded : {&first_, &second_}) {
    coded->codes.resize(kGroupColumns);
    coded->e.resize(kGroupColumns);
    coded->rest.resize(kGroupColumns);
  }
}

// targets = wanted + M, where M S = passed.
void GroupCoder::move_targets(const GroupFactor& factor, const float* wanted, const float* passed) {
  std::vector<float>& left = along_;
  std::copy_n(passed, factor.n, left.begin());
  for (int j = factor.n - 1; j >= 0; --j) {
    const float* const row = factor.s + j * factor.stride;
    const float move = left[static_cast<std::size_t>(j)] / row[j];
    targets_[static_cast<std::size_t>(j)] = wanted[j] + move;
    for (int k = 0; k < j; ++k) left[static_cast<std::size_t>(k)] -= move * row[k];
  }
}

void GroupCoder::choose_codes(const GroupFactor& factor, Coded& coded) const {
  std::fill_n(coded.rest.begin(), factor.n, 0.0F);
  float* const rest = coded.rest.data();
  for (int j = factor.n - 1; j >= 0; --j) {
    const BlockScales& scales = coded.scales[static_cast<std::size_t>(j / kind_.weights)];
    const auto sub = static_cast<std::size_t>(j % kind_.weights / kind_.sub);
    const float* const row = factor.s + j * factor.stride;
    const float target = targets_[static_cast<std::size_t>(j)];
    const int code = code_of(kind_, scales, sub, target + rest[j] / row[j]);
    const float e = target - value_of(kind_, scales, sub, code);
    coded.codes[static_cast<std::size_t>(j)] = static_cast<std::uint8_t>(code);
    coded.e[static_cast<std::size_t>(j)] = e;
    for (int k = 0; k <= j; ++k) rest[k] += e * row[k];
  }
  coded.error = squared_length(coded.rest, factor.n);
}

double GroupCoder::best_step(const GroupFactor& factor, int begin, int end, const Coded& coded) {
  std::fill_n(along_.begin(), end, 0.0F);
  for (int l = begin; l < end; ++l) {
    const float* const row = factor.s + l * factor.stride;
    const float g = direction_[static_cast<std::size_t>(l)];
    if (g == 0.0F) continue;
    for (int k = 0; k <= l; ++k) along_[static_cast<std::size_t>(k)] += g * row[k];
  }
  double gg = 0.0;
  double rg = 0.0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(end); ++k) {
    gg += double{along_[k]} * along_[k];
    rg += double{along_[k]} * coded.rest[k];
  }
  return gg > 0.0 ? rg / gg : 0.0;
}

void GroupCoder::take_step(double step, int begin, int end, Coded& coded) const {
  const auto s = static_cast<float>(step);
  for (int k = 0; k < end; ++k)
    coded.rest[static_cast<std::size_t>(k)] -= s * along_[static_cast<std::size_t>(k)];
  for (int k = begin; k < end; ++k)
    coded.e[static_cast<std::size_t>(k)] -= s * direction_[static_cast<std::size_t>(k)];
}

void GroupCoder::refit_block(const GroupFactor& factor, int block, Coded& coded) {
  BlockScales& s = coded.scales[static_cast<std::size_t>(block)];
  const int begin = block * kind_.weights;
  const int end = begin + kind_.weights;
  const auto sub_of = [&](int k) { return static_cast<std::size_t>((k - begin) / kind_.sub); };
  const auto fill = [&](int from, int to, const auto& value) {
    for (int k = from; k < to; ++k) direction_[static_cast<std::size_t>(k)] = value(k);
  };
  const auto v = [&](int k) { return kind_.value(coded.codes[static_cast<std::size_t>(k)]); };
  const bool whole = kind_.whole_numbers();
  const auto of_d = [&](int k) { return whole ? v(k) * static_cast<float>(s.scale[sub_of(k)]) : v(k); };
  const auto of_m = [&](int k) { return whole ? -static_cast<float>(s.least[sub_of(k)]) : 1.0F; };
  const auto refit_number = [&](float& number, const auto& direction, bool positive) {
    fill(begin, end, direction);
    const double step = best_step(factor, begin, end, coded);
    const float to = as_half(number + static_cast<float>(step));
    if (positive && to < 0.0F) return;
    take_step(double{to} - double{number}, begin, end, coded);
    number = to;
  };
  const auto refit_numbers = [&] {
    refit_number(s.d, of_d, whole && kind_.least);
    if (kind_.least) refit_number(s.m, of_m, whole);
  };
  refit_numbers();
  if (whole) {
    for (int sub = kind_.subs() - 1; sub >= 0; --sub) {
      const int from = begin + sub * kind_.sub;
      const auto place = static_cast<std::size_t>(sub);
      const auto refit_whole = [&](int& number, int low, float unit, const auto& direction) {
        if (unit == 0.0F) return;
        fill(from, from + kind_.sub, direction);
        const double step = std::clamp(best_step(factor, from, from + kind_.sub, coded), -256.0, 256.0);
        const int to = std::clamp(number + static_cast<int>(std::lround(step)), low, kind_.scale_high);
        take_step(to - number, from, from + kind_.sub, coded);
        number = to;
      };
      refit_whole(s.scale[place], kind_.scale_low, s.d, [&](int k) { return s.d * v(k); });
      if (kind_.least) refit_whole(s.least[place], 0, s.m, [&](int) { return -s.m; });
    }
    refit_numbers();
  }
  s.restore(kind_);
}

void GroupCoder::refit(const GroupFactor& factor, Coded& coded) {
  for (int block = factor.n / kind_.weights - 1; block >= 0; --block) refit_block(factor, block, coded);
  coded.error = squared_length(coded.rest, factor.n);
}

void GroupCoder::code(const GroupFactor& factor, const float* wanted, const float* passed, float* values,
                      std::uint8_t* out) {
  move_targets(factor, wanted, passed);
  const int blocks = factor.n / kind_.weights;
  std::vector<float>& importance = direction_;
  for (int j = 0; j < factor.n; ++j) {
    const float diagonal = factor.s[j * factor.stride + j];
    importance[static_cast<std::size_t>(j)] = diagonal * diagonal;
  }
  first_.scales.clear();
  for (int block = 0; block < blocks; ++block) {
    const int at = block * kind_.weights;
    first_.scales.push_back(fit_scales(kind_, targets_.data() + at, importance.data() + at, search_));
  }
  choose_codes(factor, first_);
  const Coded* best = &first_;
  if (search_) {
    refit(factor, first_);
    second_.scales = first_.scales;
    choose_codes(factor, second_);
    if (second_.error < first_.error) {
      refit(factor, second_);
      best = &second_;
    }
  }
  const std::int64_t block_bytes = type_info(kind_.type).bytes;
  for (int block = 0; block < blocks; ++block) {
    const std::size_t at = static_cast<std::size_t>(block) * static_cast<std::size_t>(kind_.weights);
    const BlockScales& scales = best->scales[static_cast<std::size_t>(block)];
    put_block(kind_, scales, best->codes.data() + at, out + block * block_bytes);
    for (int k = 0; k < kind_.weights; ++k) {
      values[at + static_cast<std::size_t>(k)] =
          value_of(kind_, scales, static_cast<std::size_t>(k / kind_.sub),
                   best->codes[at + static_cast<std::size_t>(k)]);
    }
  }
}

}  // namespace lq::ggml
