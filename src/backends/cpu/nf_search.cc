// Search of block scales. A SIMD lane holds one block, so that every sum runs over a block's elements in
// their order and comes out the same on every target.
#include "backends/cpu/nf_search.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/nf_search.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "backends/cpu/nf_scales-inl.h"
#include "backends/cpu/nf_simd-inl.h"

#ifndef LQ_KERNELS_CPU_NF_SEARCH_ONCE_
#define LQ_KERNELS_CPU_NF_SEARCH_ONCE_
namespace lq::backends {

struct NfSearchInput {
  const NfCodebook* book;
  const float* w;
  std::int64_t n;
  std::int64_t row_length;
  int block;
  NfErrorWeights weights;
};

inline bool is_weighted(const NfSearchInput& in) {
  return in.weights.rows != nullptr || in.weights.cols != nullptr;
}

}  // namespace lq::backends
#endif

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

// kLanes blocks side by side: row e holds element e of each. What lies past the matrix is zero.
struct BlockTile {
  alignas(64) float w[64 * kLanes];
  alignas(64) float h[64 * kLanes];   // importance; without weights |w|, the block's largest one being 1
  alignas(64) float hw[64 * kLanes];  // h * w
};

// Importance of the elements of one block to h[0], h[kLanes], ... A factor that a whole block shares changes
// no choice, so that the row's weight counts only in blocks that cross rows.
HWY_INLINE void load_importance(const NfSearchInput& in, std::int64_t begin, std::int64_t valid, float* h) {
  std::int64_t row = begin / in.row_length;
  std::int64_t col = begin - row * in.row_length;
  const float* cols = in.weights.cols;
  if (col + valid <= in.row_length) {
    for (std::int64_t e = 0; e < valid; ++e) h[e * kLanes] = cols != nullptr ? cols[col + e] : 1.0F;
    return;
  }
  for (std::int64_t e = 0; e < valid; ++e) {
    const float row_weight = in.weights.rows != nullptr ? in.weights.rows[row] : 1.0F;
    h[e * kLanes] = cols != nullptr ? row_weight * cols[col] : row_weight;
    if (++col == in.row_length) {
      col = 0;
      ++row;
    }
  }
}

template <bool kWeighted>
void load_tile(const NfSearchInput& in, std::int64_t first_block, BlockTile& tile) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const std::int64_t begin = (first_block + lane) * in.block;
    const std::int64_t valid = std::clamp<std::int64_t>(in.n - begin, 0, in.block);
    const float* from = in.w + begin;
    for (std::int64_t e = 0; e < valid; ++e) tile.w[e * kLanes + lane] = from[e];
    for (std::int64_t e = valid; e < in.block; ++e) tile.w[e * kLanes + lane] = 0.0F;
    if constexpr (kWeighted) {
      load_importance(in, begin, valid, tile.h + lane);
      for (std::int64_t e = valid; e < in.block; ++e) tile.h[e * kLanes + lane] = 0.0F;
    }
  }
  const DF d;
  if constexpr (!kWeighted) {
    VF largest = hn::Set(d, std::numeric_limits<float>::min());
    for (int e = 0; e < in.block; ++e) largest = hn::Max(largest, hn::Abs(hn::Load(d, tile.w + e * kLanes)));
    for (int e = 0; e < in.block; ++e) {
      hn::Store(hn::Div(hn::Abs(hn::Load(d, tile.w + e * kLanes)), largest), d, tile.h + e * kLanes);
    }
  }
  for (int e = 0; e < in.block; ++e) {
    const VF hw = hn::Mul(hn::Load(d, tile.w + e * kLanes), hn::Load(d, tile.h + e * kLanes));
    hn::Store(hw, d, tile.hw + e * kLanes);
  }
}

// Codes the blocks at `scale` and keeps in `best` the scale that suits these codes best, where its error is
// the lowest so far. With a = sum h w v and b = sum h v^2 over the codes' values v that scale is a / b, and
// it lowers the error from sum h w^2 by a^2 / b.
template <int kBits>
HWY_INLINE void try_scale(const BlockTile& tile, int block, const CodeSearch<kBits>& search,
                          const ValueTable<kBits>& value, VF scale, VF& best_gain, VF& best) {
  const DF d;
  const VF inverse = hn::Div(hn::Set(d, 1.0F), scale);
  VF a = hn::Zero(d);
  VF b = hn::Zero(d);
  for (int e = 0; e < block; ++e) {
    const VF w = hn::Load(d, tile.w + e * kLanes);
    const VF v = value(search(hn::Mul(w, inverse)));
    a = hn::Add(a, hn::Mul(hn::Load(d, tile.hw + e * kLanes), v));
    b = hn::Add(b, hn::Mul(hn::Mul(hn::Load(d, tile.h + e * kLanes), v), v));
  }
  const VF fitted = hn::Div(a, b);
  const VF gain = hn::Mul(a, fitted);
  // All comparisons are false for the NaN of a block without values or weights.
  const auto valid = hn::And(hn::Gt(fitted, hn::Zero(d)), hn::Le(fitted, hn::Set(d, kFloatMax)));
  const auto better = hn::And(valid, hn::Gt(gain, best_gain));
  best_gain = hn::IfThenElse(better, gain, best_gain);
  best = hn::IfThenElse(better, fitted, best);
}

// Scales tried, as multiples of the absmax: from a little above one down by a factor each. With few codes it
// pays to clip far; with many the best scale lies close to the absmax. On GPT-2's matrices 64 finer steps
// lower the error by no more than 0.02 %.
template <int kBits>
constexpr float kShrink = kBits == 2   ? 0.87F
                          : kBits == 3 ? 0.92F
                          : kBits == 4 ? 0.94F
                          : kBits == 5 ? 0.96F
                          : kBits == 6 ? 0.975F
                                       : 0.99F;
template <int kBits>
constexpr int kTrials = kBits == 2   ? 12
                        : kBits == 3 ? 10
                        : kBits <= 6 ? 8
                                     : 6;
// Then the best is taken as the next scale to try.
constexpr int kRefinements = 2;

template <int kBits, bool kWeighted>
float search_blocks(const NfSearchInput& in, std::int64_t begin, std::int64_t end, float* target) {
  const DF d;
  const CodeSearch<kBits> search(*in.book);
  const ValueTable<kBits> value(in.book->values);
  BlockTile tile;
  alignas(64) float found[kLanes];
  float smallest = kFloatInf;
  for (std::int64_t j = begin; j < end; j += kLanes) {
    load_tile<kWeighted>(in, j, tile);
    VF absmax = hn::Zero(d);
    for (int e = 0; e < in.block; ++e) absmax = hn::Max(absmax, hn::Abs(hn::Load(d, tile.w + e * kLanes)));
    VF best = absmax;
    VF best_gain = hn::Zero(d);
    VF scale = hn::Min(hn::Div(absmax, hn::Set(d, kShrink<kBits>)), hn::Set(d, kFloatMax));
    for (int trial = 0; trial < kTrials<kBits>; ++trial) {
      try_scale<kBits>(tile, in.block, search, value, scale, best_gain, best);
      scale = hn::Mul(scale, hn::Set(d, kShrink<kBits>));
    }
    for (int i = 0; i < kRefinements; ++i) {
      try_scale<kBits>(tile, in.block, search, value, best, best_gain, best);
    }
    hn::Store(best, d, found);
    for (std::int64_t lane = 0; lane < std::min<std::int64_t>(kLanes, end - j); ++lane) {
      target[j + lane] = found[lane];
      smallest = std::min(smallest, found[lane]);
    }
  }
  return smallest;
}

template <bool kWeighted>
float search_width(const NfSearchInput& in, std::int64_t begin, std::int64_t end, float* target) {
  switch (in.book->bits) {
    case 2:
      return search_blocks<2, kWeighted>(in, begin, end, target);
    case 3:
      return search_blocks<3, kWeighted>(in, begin, end, target);
    case 4:
      return search_blocks<4, kWeighted>(in, begin, end, target);
    case 5:
      return search_blocks<5, kWeighted>(in, begin, end, target);
    case 6:
      return search_blocks<6, kWeighted>(in, begin, end, target);
    default:
      return search_blocks<8, kWeighted>(in, begin, end, target);
  }
}

float search_range(const NfSearchInput& in, std::int64_t begin, std::int64_t end, float* target) {
  return is_weighted(in) ? search_width<true>(in, begin, end, target)
                         : search_width<false>(in, begin, end, target);
}

// Weighted squared error of the blocks at `scale`. A scale of 0 makes all values 0, whatever the codes.
template <int kBits>
HWY_INLINE VF error_at(const BlockTile& tile, int block, const CodeSearch<kBits>& search,
                       const ValueTable<kBits>& value, VF scale) {
  const DF d;
  const VF inverse = hn::Div(hn::Set(d, 1.0F), hn::Max(scale, hn::Set(d, 1e-37F)));
  VF sum = hn::Zero(d);
  for (int e = 0; e < block; ++e) {
    const VF w = hn::Load(d, tile.w + e * kLanes);
    const VF r = hn::Sub(w, hn::Mul(value(search(hn::Mul(w, inverse))), scale));
    sum = hn::Add(sum, hn::Mul(hn::Mul(hn::Load(d, tile.h + e * kLanes), r), r));
  }
  return sum;
}

template <int kBits, bool kWeighted>
void search_unit_codes(const NfSearchInput& in, const NfScaleJob& job, std::int64_t unit,
                       std::uint8_t* codes) {
  const DF d;
  const DI di;
  const CodeSearch<kBits> search(*in.book);
  const ValueTable<kBits> value(in.book->values);
  const int last = (1 << job.format.scale_bits) - 1;
  const VF levels = hn::Set(d, static_cast<float>(last));
  const VF offset = hn::Set(d, job.offset);
  NfUnitScales asked;
  load_unit_scales(job, unit, (in.n + in.block - 1) / in.block, asked);
  BlockTile tile;
  alignas(64) std::int32_t found[kLanes];
  for (std::int64_t j = 0; j < asked.count; j += kLanes) {
    load_tile<kWeighted>(in, asked.first + j, tile);
    const VF step = hn::Set(d, asked.scale2[j / 16] / static_cast<float>(last));
    const VI nearest = nearest_scale_code(asked, j, offset, levels);
    VI best = nearest;
    VF best_error = error_at<kBits>(tile, in.block, search, value, restore_scale(nearest, step, offset));
    const int reach = job.format.scale_bits == 2 ? 2 : 1;  // wide steps: the error is far from symmetric
    for (int away = -reach; away <= reach; ++away) {
      if (away == 0) continue;
      const VI u = hn::Min(hn::Max(hn::Add(nearest, hn::Set(di, away)), hn::Zero(di)), hn::Set(di, last));
      const VF error = error_at<kBits>(tile, in.block, search, value, restore_scale(u, step, offset));
      const auto better = hn::Lt(error, best_error);
      best_error = hn::IfThenElse(better, error, best_error);
      best = hn::IfThenElse(hn::RebindMask(di, better), u, best);
    }
    hn::Store(best, di, found);
    for (std::int64_t lane = 0; lane < std::min<std::int64_t>(kLanes, asked.count - j); ++lane) {
      codes[asked.first + j + lane] = static_cast<std::uint8_t>(found[lane]);
    }
  }
}

template <bool kWeighted>
void search_codes_width(const NfSearchInput& in, const NfScaleJob& job, std::int64_t unit,
                        std::uint8_t* codes) {
  switch (in.book->bits) {
    case 2:
      search_unit_codes<2, kWeighted>(in, job, unit, codes);
      break;
    case 3:
      search_unit_codes<3, kWeighted>(in, job, unit, codes);
      break;
    case 4:
      search_unit_codes<4, kWeighted>(in, job, unit, codes);
      break;
    case 5:
      search_unit_codes<5, kWeighted>(in, job, unit, codes);
      break;
    case 6:
      search_unit_codes<6, kWeighted>(in, job, unit, codes);
      break;
    default:
      search_unit_codes<8, kWeighted>(in, job, unit, codes);
      break;
  }
}

void search_codes(const NfSearchInput& in, const NfScaleJob& job, std::int64_t unit, std::uint8_t* codes) {
  if (is_weighted(in)) {
    search_codes_width<true>(in, job, unit, codes);
  } else {
    search_codes_width<false>(in, job, unit, codes);
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
namespace {

HWY_EXPORT(search_range);
HWY_EXPORT(search_codes);

}  // namespace

float nf_search_scales(ThreadPool& pool, const NfCodebook& book, const float* w, std::int64_t n,
                       std::int64_t row_length, int block, const NfErrorWeights& weights, float* target) {
  const NfSearchInput in{&book, w, n, row_length, block, weights};
  const std::int64_t blocks = (n + block - 1) / block;
  std::vector<float> smallest(static_cast<std::size_t>((blocks + kNfUnitBlocks - 1) / kNfUnitBlocks));
  parallel_for(pool, blocks, kNfUnitBlocks, [&](std::int64_t begin, std::int64_t end) {
    smallest[static_cast<std::size_t>(begin / kNfUnitBlocks)] =
        HWY_DYNAMIC_DISPATCH(search_range)(in, begin, end, target);
  });
  return *std::min_element(smallest.begin(), smallest.end());
}

void nf_search_scale_codes(ThreadPool& pool, const NfFormat& format, const NfCodebook& book, const float* w,
                           std::int64_t n, std::int64_t row_length, const NfErrorWeights& weights,
                           const NfScaleChoice& scales, std::uint8_t* codes) {
  const NfSearchInput in{&book, w, n, row_length, format.block, weights};
  const NfScaleJob job{format, scales.target, scales.offset, nullptr, nullptr, nullptr};
  const std::int64_t unit_elements = kNfUnitBlocks * format.block;
  pool.run((n + unit_elements - 1) / unit_elements, [&](std::int64_t unit) {
    HWY_DYNAMIC_DISPATCH(search_codes)(in, job, unit, codes);
  });
}

}  // namespace lq::backends
#endif
