#include "kernels/cpu/gemm.h"

#include <dnnl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

// From libgomp, which oneDNN runs on. Declared here because clang ships no omp.h.
extern "C" void omp_set_num_threads(int);

namespace lq::kernels {
namespace {

// Large enough that packing costs little, small enough that two threads share a 768-wide product evenly.
constexpr std::int64_t kTileM = 256;
constexpr std::int64_t kTileN = 512;
// An inner dimension at least twice this is cut when there are few tiles to share out.
constexpr std::int64_t kChunkK = 2048;
constexpr std::int64_t kFewTiles = 4;

// Rows that lie a multiple of this apart (2 KiB) fall into the same few cache sets. oneDNN's own packing
// walks down such columns; where the other operand is thin, so that packing is not made good by much
// arithmetic, the slab is first copied row by row to rows with an odd stride. Measured on Zen 3, 80 x 2048 x
// 2048: 36 to 72 GFLOP/s.
constexpr std::int64_t kBadStride = 512;
constexpr std::int64_t kSlabK = 256;
constexpr std::int64_t kSlabPad = 16;

void sgemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha, const float* a,
           std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c, std::int64_t ldc) {
  // oneDNN's own threads stay out: one OpenMP thread for each thread of ours that comes by.
  static thread_local const bool single = (omp_set_num_threads(1), true);
  (void)single;
  const dnnl_status_t status =
      dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  LQ_CHECK(status == dnnl_success, kInternal, "dnnl_sgemm failed with status {} on {} x {} x {}",
           static_cast<int>(status), m, n, k);
}

// One operand of a tile, as it lies in memory.
struct Operand {
  const float* data;
  std::int64_t ld;
  bool trans;
  // Whether steps along k are whole rows with a bad stride.
  bool walks_badly(bool rows_along_k) const {
    return rows_along_k && ld >= kBadStride && ld % kBadStride == 0;
  }
};

// Copies rows [k0, k0 + depth) of x, `width` elements each, to rows of stride width + kSlabPad.
Operand copy_slab(const Operand& x, std::int64_t k0, std::int64_t depth, std::int64_t width, float* to) {
  const std::int64_t ld = width + kSlabPad;
  for (std::int64_t l = 0; l < depth; ++l) {
    std::memcpy(to + l * ld, x.data + (k0 + l) * x.ld, static_cast<std::size_t>(width) * sizeof(float));
  }
  return {to, ld, x.trans};
}

// One tile in the calling thread: c[m, n] = alpha * a * b + beta * c.
void tile_product(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, const Operand& a,
                  const Operand& b, float beta, float* c, std::int64_t ldc) {
  const bool copy_a = a.walks_badly(a.trans);
  const bool copy_b = b.walks_badly(!b.trans);
  if (!copy_a && !copy_b) {
    sgemm(a.trans, b.trans, m, n, k, alpha, a.data, a.ld, b.data, b.ld, beta, c, ldc);
    return;
  }
  const std::int64_t depth_max = std::min(k, kSlabK);
  const auto room = [&](bool copy, std::int64_t width) {
    return copy ? std::make_unique_for_overwrite<float[]>(
                      static_cast<std::size_t>(depth_max * (width + kSlabPad)))
                : nullptr;
  };
  const auto slab_a = room(copy_a, m);
  const auto slab_b = room(copy_b, n);
  for (std::int64_t k0 = 0; k0 < k; k0 += kSlabK) {
    const std::int64_t depth = std::min(kSlabK, k - k0);
    const Operand part_a = copy_a ? copy_slab(a, k0, depth, m, slab_a.get())
                                  : Operand{a.trans ? a.data + k0 * a.ld : a.data + k0, a.ld, a.trans};
    const Operand part_b = copy_b ? copy_slab(b, k0, depth, n, slab_b.get())
                                  : Operand{b.trans ? b.data + k0 : b.data + k0 * b.ld, b.ld, b.trans};
    sgemm(part_a.trans, part_b.trans, m, n, depth, alpha, part_a.data, part_a.ld, part_b.data, part_b.ld,
          k0 == 0 ? beta : 1.0F, c, ldc);
  }
}

}  // namespace

void gemm(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
          const float* b, std::int64_t ldb, float* c, std::int64_t ldc, const GemmOptions& o) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) c[i * ldc + j] = o.beta == 0.0F ? 0.0F : o.beta * c[i * ldc + j];
    }
    return;
  }
  const std::int64_t tiles_m = (m + kTileM - 1) / kTileM;
  const std::int64_t tiles_n = (n + kTileN - 1) / kTileN;
  const std::int64_t tiles = tiles_m * tiles_n;
  const std::int64_t chunks = tiles < kFewTiles && k >= 2 * kChunkK ? (k + kChunkK - 1) / kChunkK : 1;
  std::vector<float> partial(static_cast<std::size_t>((chunks - 1) * m * n));  // chunk 0 goes to c itself

  pool.run(tiles * chunks, [&](std::int64_t job) {
    const std::int64_t chunk = job % chunks;
    const std::int64_t tile = job / chunks;
    const std::int64_t i0 = tile / tiles_n * kTileM;
    const std::int64_t j0 = tile % tiles_n * kTileN;
    const std::int64_t k0 = chunks == 1 ? 0 : chunk * kChunkK;
    const std::int64_t depth = chunks == 1 ? k : std::min(kChunkK, k - k0);
    const float* tile_a = o.trans_a ? a + k0 * lda + i0 : a + i0 * lda + k0;
    const float* tile_b = o.trans_b ? b + j0 * ldb + k0 : b + k0 * ldb + j0;
    const bool first = chunk == 0;
    float* tile_c = first ? c + i0 * ldc + j0 : partial.data() + (chunk - 1) * m * n + i0 * n + j0;
    tile_product(std::min(kTileM, m - i0), std::min(kTileN, n - j0), depth, o.alpha, {tile_a, lda, o.trans_a},
                 {tile_b, ldb, o.trans_b}, first ? o.beta : 0.0F, tile_c, first ? ldc : n);
  });
  if (chunks == 1) return;
  parallel_for(pool, m, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = 1; chunk < chunks; ++chunk) {
      for (std::int64_t i = begin; i < end; ++i) {
        const float* from = partial.data() + ((chunk - 1) * m + i) * n;
        for (std::int64_t j = 0; j < n; ++j) c[i * ldc + j] += from[j];
      }
    }
  });
}

const char* gemm_library() {
  static const std::string name =
      fmt::format("oneDNN {}.{}.{}", dnnl_version()->major, dnnl_version()->minor, dnnl_version()->patch);
  return name.c_str();
}

}  // namespace lq::kernels
