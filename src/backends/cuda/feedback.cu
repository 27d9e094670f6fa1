#include "backends/cuda/feedback.h"

#include "backends/cuda/device.h"
#include "backends/cuda/launch.h"

namespace lq::backends::cuda {
namespace {

constexpr int kFeedbackThreads = 256;
constexpr int kFeedbackWarps = kFeedbackThreads / kLanes;

__device__ FeedbackRegion feedback_region(const CodebookFeedback& of, std::int64_t row, int rows,
                                          std::int64_t group) {
  const std::int64_t col = group * kFeedbackCols;
  const std::int64_t down = of.rows - row;
  const std::int64_t across = of.cols - col;
  return {row, col, static_cast<int>(down < rows ? down : rows),
          static_cast<int>(across < kFeedbackCols ? across : kFeedbackCols)};
}

__device__ void load_book(const SharedBook* from, int bits, SharedBook& book) {
  for (int k = static_cast<int>(threadIdx.x); k < 1 << bits; k += kFeedbackThreads) {
    book.values[k] = from->values[k];
    book.midpoints[k] = from->midpoints[k];
  }
  __syncthreads();
}

// Row i of a region, by a warp: from the last column to the first.
__device__ void choose_row(const CodebookFeedback& of, const SharedBook& book, const FeedbackRegion& g,
                           int i) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  FeedbackLane own;
  load_feedback_lane(of, g, i, lane, own);
#pragma unroll
  for (int k = kFeedbackOwn - 1; k >= 0; --k) {
    for (int owner = kLanes - 1; owner >= 0; --owner) {
      const int c = owner + k * kLanes;
      if (c >= g.cols) continue;
      float error = lane == owner ? choose_code(of, book, g, i, lane, k, own) : 0.0F;
      error = __shfl_sync(0xffffffffU, error, owner);
      take_error(of, g, c, error, lane, own);
    }
  }
}

// A row a warp.
__global__ void __launch_bounds__(kFeedbackThreads)
    choose_rows(CodebookFeedback of, const SharedBook* from, std::int64_t group) {
  __shared__ SharedBook book;
  load_book(from, of.bits, book);
  const std::int64_t row = std::int64_t{blockIdx.x} * kFeedbackWarps + threadIdx.x / kLanes;
  if (row >= of.rows) return;
  const FeedbackRegion g = feedback_region(of, row, 1, group);
  for (int c = static_cast<int>(threadIdx.x) % kLanes; c < g.cols; c += kLanes) want_element(of, g, 0, c);
  __syncwarp();
  choose_row(of, book, g, 0);
}

// A region a block of threads: one warp chooses a row's codes, then all of them move the rows above.
__global__ void __launch_bounds__(kFeedbackThreads)
    choose_regions(CodebookFeedback of, const SharedBook* from, FeedbackWave wave) {
  __shared__ SharedBook book;
  load_book(from, of.bits, book);
  const auto thread = static_cast<int>(threadIdx.x);
  const auto region = static_cast<int>(blockIdx.x);
  const FeedbackRegion g = feedback_region(of, (wave.first_panel - region) * kFeedbackRows, kFeedbackRows,
                                           wave.first_group + region);
  for (int k = thread; k < g.rows * g.cols; k += kFeedbackThreads)
    want_element(of, g, k / g.cols, k % g.cols);
  __syncthreads();
  for (int i = g.rows - 1; i >= 0; --i) {
    if (thread < kLanes) choose_row(of, book, g, i);
    __syncthreads();
    for (int k = thread; k < i * g.cols; k += kFeedbackThreads) move_above(of, g, i, k / g.cols, k % g.cols);
    __syncthreads();
  }
}

const SharedBook* upload_feedback_book(DeviceQueue& queue, const NfCodebook& book) {
  SharedBook shared = {};
  for (int k = 0; k < 1 << book.bits; ++k) shared.values[k] = book.values[k];
  for (int k = 0; k + 1 < 1 << book.bits; ++k) shared.midpoints[k] = book.midpoints[k];
  return upload_all(queue, &shared, 1);
}

}  // namespace

void feedback_group(DeviceQueue& queue, const CodebookRounding& rounding, const CodebookFeedback& feedback,
                    std::int64_t group) {
  const SharedBook* const book = upload_feedback_book(queue, *rounding.book);
  const auto grid = static_cast<unsigned>((feedback.rows + kFeedbackWarps - 1) / kFeedbackWarps);
  choose_rows<<<grid, kFeedbackThreads, 0, use(queue)>>>(feedback, book, group);
  check(cudaGetLastError(), "codes with feedback");
}

void feedback_wave(DeviceQueue& queue, const CodebookRounding& rounding, const CodebookFeedback& feedback,
                   const FeedbackWave& wave) {
  if (wave.count == 0) return;
  const SharedBook* const book = upload_feedback_book(queue, *rounding.book);
  choose_regions<<<static_cast<unsigned>(wave.count), kFeedbackThreads, 0, use(queue)>>>(feedback, book,
                                                                                         wave);
  check(cudaGetLastError(), "codes with feedback");
}

}  // namespace lq::backends::cuda
