#include "backends/cuda/gram.h"

#include "backends/cuda/device.h"
#include "backends/cuda/launch.h"

namespace lq::backends::cuda {
namespace {

// Block (square, run): the squares of the lower triangle are made, and mirrored.
__global__ void __launch_bounds__(kGramThreads) gram_runs(GramInput g, double* parts) {
  __shared__ GramTile tile;
  const auto sides = static_cast<unsigned>((g.k + kGramSide - 1) / kGramSide);
  const unsigned down = blockIdx.x / sides;
  const unsigned across = blockIdx.x % sides;
  if (across > down) return;
  const std::int64_t i0 = std::int64_t{down} * kGramSide;
  const std::int64_t j0 = std::int64_t{across} * kGramSide;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t begin = std::int64_t{blockIdx.y} * kGramRun;
  const std::int64_t end = begin + kGramRun < g.count ? begin + kGramRun : g.count;
  double sum = 0.0;
  for (std::int64_t at = begin; at < end; at += kGramSide) {
    load_gram(g, at, end, i0, j0, thread, tile);
    __syncthreads();
    add_gram(tile, thread, sum);
    __syncthreads();
  }
  const std::int64_t i = i0 + thread / kGramSide;
  const std::int64_t j = j0 + thread % kGramSide;
  if (i >= g.k || j >= g.k) return;
  double* const to = parts + std::int64_t{blockIdx.y} * g.k * g.k;
  to[i * g.k + j] = sum;
  if (down != across) to[j * g.k + i] = sum;
}

}  // namespace

void gram(DeviceQueue& queue, const GramInput& g, double* out) {
  if (g.k == 0) return;
  const std::int64_t squares = g.k * g.k;
  const std::int64_t runs = (g.count + kGramRun - 1) / kGramRun;
  // Partial sums, then the results.
  auto* const parts = buffer_of<double>(queue, Buffer::kPartial, (runs + 1) * squares);
  double* const sums = parts + runs * squares;
  const std::int64_t sides = (g.k + kGramSide - 1) / kGramSide;
  if (runs > 0) {
    const dim3 grid(static_cast<unsigned>(sides * sides), static_cast<unsigned>(runs));
    gram_runs<<<grid, kGramThreads, 0, use(queue)>>>(g, parts);
    check(cudaGetLastError(), "a matrix of products");
  }
  for_each(queue, "a matrix of products", squares, AddRuns{runs, squares, parts, sums});
  copy_to_host(queue, sums, static_cast<std::size_t>(squares) * sizeof(double), out);
}

void scale_sides(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* by_row,
                 const float* by_col, float* x) {
  if (by_row == nullptr && by_col == nullptr) return;
  for_each(queue, "factors of a matrix's sides", rows * cols, ScaleSides{cols, by_row, by_col, x});
}

}  // namespace lq::backends::cuda
