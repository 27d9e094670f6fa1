#include "backends/cpu/gemm.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <vector>

#include "backends/cpu/gemm_i16_kernel.h"
#include "backends/cpu/gemm_kernel.h"

namespace lq::backends {
namespace {

// Rows of a that are packed together, for L2.
constexpr std::int64_t kBlockRows = 144;
// Floats of b that are packed at once, a part of the last-level cache.
constexpr std::int64_t kPackedB = std::int64_t{1} << 21;
// Inner dimensions are cut into pieces of this, so that so much of b holds a good number of columns.
constexpr std::int64_t kPiece = 8192;
// Jobs a product is cut into for each of several threads, where it is large enough: enough to share out
// evenly. How rows and columns are cut changes no sum.
constexpr std::int64_t kJobs = 4;
constexpr std::int64_t kLeastJob = std::int64_t{1} << 18;  // products of a job; less would not pay
// An inner dimension at least twice this is cut when there are few jobs.
constexpr std::int64_t kChunkK = 2048;
constexpr std::int64_t kFewJobs = 4;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

const GemmKernel& kernel_of(const GemmOptions& o) {
  return o.precision == GemmPrecision::kI16 ? gemm_kernel_i16() : gemm_kernel_f32();
}

// b as it lies in memory, or made row by row.
struct SourceB {
  const float* data;
  std::int64_t ld;
  const GemmRows* rows;
  bool trans;
};

// How depth is cut: pieces of one length, but for the last.
struct Depths {
  std::int64_t k, step, count;
  Depths(std::int64_t k_, const GemmKernel& kernel) : k(k_) {
    step = ceil_div(ceil_div(k, ceil_div(k, kernel.depth)), kernel.granule) * kernel.granule;
    count = ceil_div(k, step);
  }
  std::int64_t at(std::int64_t i) const { return i * step; }
  std::int64_t size(std::int64_t i) const { return std::min(step, k - i * step); }
};

// Packs all of b[k, n]: for each piece of depth, its panels one after the other.
void pack_b(ThreadPool& pool, const GemmKernel& kernel, const SourceB& b, const Depths& depths,
            std::int64_t n, float* to) {
  const std::int64_t width = gemm_panel_cols();
  const std::int64_t padded = ceil_div(n, width) * width;
  if (b.trans) {  // rows of b are columns of the product
    const std::int64_t strip = 2 * width;
    pool.run(ceil_div(n, strip), [&](std::int64_t job) {
      const std::int64_t j0 = job * strip;
      const std::int64_t count = std::min(strip, n - j0);
      const float* from = b.data + j0 * b.ld;
      std::int64_t ld = b.ld;
      hwy::AlignedFreeUniquePtr<float[]> made;
      if (b.rows != nullptr) {
        made = hwy::AllocateAligned<float>(static_cast<std::size_t>(count * depths.k));
        (*b.rows)(j0, count, made.get());
        from = made.get();
        ld = depths.k;
      }
      for (std::int64_t p = 0; p < depths.count; ++p) {
        const std::int64_t depth = depths.size(p);
        const std::int64_t units = kernel.units(depth);
        kernel.pack_b(true, depth, count, from + depths.at(p), ld,
                      to + padded * kernel.units(depths.at(p)) + j0 * units, width * units);
      }
    });
    return;
  }
  const std::int64_t strip = kernel.strip;  // steps of depth of a job
  const std::int64_t strips = ceil_div(depths.step, strip);
  pool.run(depths.count * strips, [&](std::int64_t job) {
    const std::int64_t p = job / strips;
    const std::int64_t depth = depths.size(p);
    const std::int64_t l0 = job % strips * strip;
    const std::int64_t count = std::min(strip, depth - l0);
    if (count <= 0) return;
    const std::int64_t k0 = depths.at(p) + l0;
    const float* from = b.data + k0 * b.ld;
    std::int64_t ld = b.ld;
    hwy::AlignedFreeUniquePtr<float[]> made;
    if (b.rows != nullptr) {
      made = hwy::AllocateAligned<float>(static_cast<std::size_t>(count * n));
      (*b.rows)(k0, count, made.get());
      from = made.get();
      ld = n;
    }
    kernel.pack_b(false, count, n, from, ld,
                  to + padded * kernel.units(depths.at(p)) + kernel.units(l0) * width,
                  width * kernel.units(depth));
  });
}

// c = alpha * a b + beta * c, b small enough to be packed whole.
void product(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
             std::int64_t lda, const SourceB& b, float* c, std::int64_t ldc, const GemmOptions& o) {
  const GemmKernel& kernel = kernel_of(o);
  const Depths depths(k, kernel);
  const std::int64_t width = gemm_panel_cols();
  const std::int64_t panels_m = ceil_div(m, kGemmRows);
  const std::int64_t panels_n = ceil_div(n, width);
  const auto packed_b =
      hwy::AllocateAligned<float>(static_cast<std::size_t>(panels_n * width * kernel.units(k)));
  pack_b(pool, kernel, b, depths, n, packed_b.get());

  // Rows first: a block of a is packed once. Columns are cut where there are few rows.
  // A single block of rows is cut into as few jobs as there are threads: each of them reads all of its part
  // of b.
  const bool few = panels_m * kGemmRows <= kBlockRows;
  const std::int64_t most = pool.available() == 1 ? 1 : (few ? 1 : kJobs) * pool.available();
  const std::int64_t wanted = std::clamp<std::int64_t>(m * n * k / kLeastJob, 1, most);
  std::int64_t jobs_m =
      std::max(ceil_div(panels_m * kGemmRows, kBlockRows), std::min(wanted, ceil_div(panels_m, 4)));
  jobs_m = std::min(jobs_m, panels_m);
  const std::int64_t jobs_n = std::clamp<std::int64_t>(wanted / jobs_m, 1, ceil_div(panels_n, 4));
  pool.run(jobs_m * jobs_n, [&](std::int64_t job) {
    const std::int64_t row = job / jobs_n;
    const std::int64_t col = job % jobs_n;
    const std::int64_t i0 = panels_m * row / jobs_m * kGemmRows;
    const std::int64_t rows = std::min(m, panels_m * (row + 1) / jobs_m * kGemmRows) - i0;
    const std::int64_t p0 = panels_n * col / jobs_n;
    const std::int64_t cols = std::min(n, panels_n * (col + 1) / jobs_n * width) - p0 * width;
    const std::int64_t padded_rows = ceil_div(rows, kGemmRows) * kGemmRows;
    const auto packed_a =
        hwy::AllocateAligned<float>(static_cast<std::size_t>(padded_rows * kernel.units(depths.step)));
    for (std::int64_t p = 0; p < depths.count; ++p) {
      const std::int64_t k0 = depths.at(p);
      const std::int64_t depth = depths.size(p);
      const std::int64_t units = kernel.units(depth);
      kernel.pack_a(o.trans_a, rows, depth, o.trans_a ? a + k0 * lda + i0 : a + i0 * lda + k0, lda,
                    packed_a.get());
      kernel.block(rows, cols, depth, o.alpha, packed_a.get(),
                   packed_b.get() + panels_n * width * kernel.units(k0) + p0 * width * units, width * units,
                   p == 0 ? o.beta : 1.0F, c + i0 * ldc + p0 * width, ldc);
    }
  });
}

// Pieces of depth, and of columns, that are packed one after the other.
void pieces(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
            std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc,
            const GemmOptions& o) {
  const std::int64_t width = gemm_panel_cols();
  for (std::int64_t k0 = 0; k0 < k; k0 += kPiece) {
    const std::int64_t depth = std::min(kPiece, k - k0);
    const std::int64_t cols = std::max(width, kPackedB / depth / width * width);
    GemmOptions part = o;
    if (k0 > 0) part.beta = 1.0F;
    for (std::int64_t j0 = 0; j0 < n; j0 += cols) {
      product(pool, m, std::min(cols, n - j0), depth, o.trans_a ? a + k0 * lda : a + k0, lda,
              {o.trans_b ? b + j0 * ldb + k0 : b + k0 * ldb + j0, ldb, nullptr, o.trans_b}, c + j0, ldc,
              part);
    }
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
  const std::int64_t tiles = ceil_div(m, 4 * kGemmRows) * ceil_div(n, 64);
  const std::int64_t chunks = tiles < kFewJobs && k >= 2 * kChunkK ? ceil_div(k, kChunkK) : 1;
  if (chunks == 1) return pieces(pool, m, n, k, a, lda, b, ldb, c, ldc, o);

  std::vector<float> partial(static_cast<std::size_t>((chunks - 1) * m * n));  // chunk 0 goes to c itself
  pool.run(chunks, [&](std::int64_t chunk) {
    const std::int64_t k0 = chunk * kChunkK;
    GemmOptions part = o;
    if (chunk > 0) part.beta = 0.0F;
    pieces(pool, m, n, std::min(kChunkK, k - k0), o.trans_a ? a + k0 * lda : a + k0, lda,
           o.trans_b ? b + k0 : b + k0 * ldb, ldb, chunk == 0 ? c : partial.data() + (chunk - 1) * m * n,
           chunk == 0 ? ldc : n, part);
  });
  parallel_for(pool, m, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = 1; chunk < chunks; ++chunk) {
      for (std::int64_t i = begin; i < end; ++i) {
        const float* from = partial.data() + ((chunk - 1) * m + i) * n;
        for (std::int64_t j = 0; j < n; ++j) c[i * ldc + j] += from[j];
      }
    }
  });
}

void gemm_rows(ThreadPool& pool, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
               std::int64_t lda, const GemmRows& b, float* c, std::int64_t ldc, const GemmOptions& o) {
  if (m <= 0 || n <= 0 || k <= 0) return;
  // As many whole rows of b at a time as are packed at once.
  const std::int64_t all = o.trans_b ? n : k;
  const std::int64_t step =
      std::max<std::int64_t>(kernel_of(o).strip, kPackedB / (o.trans_b ? k : n) / 64 * 64);
  for (std::int64_t begin = 0; begin < all; begin += step) {
    const std::int64_t count = std::min(step, all - begin);
    const GemmRows rows = [&](std::int64_t at, std::int64_t some, float* out) { b(begin + at, some, out); };
    GemmOptions part = o;
    if (!o.trans_b && begin > 0) part.beta = 1.0F;
    product(pool, m, o.trans_b ? count : n, o.trans_b ? k : count,
            a + (o.trans_b   ? 0
                 : o.trans_a ? begin * lda
                             : begin),
            lda, {nullptr, 0, &rows, o.trans_b}, o.trans_b ? c + begin : c, ldc, part);
  }
}

const char* gemm_library() { return "built in"; }

}  // namespace lq::backends
