#include "backends/cuda/attention_layout.h"

#include "backends/cuda/launch.h"

namespace lq::backends::cuda {
namespace {

struct WidenEach {
  PackedRows p;
  std::int64_t width;
  const std::uint16_t* from;
  float* to;
  __device__ void operator()(std::int64_t i) const { widen_element(p, width, i, from, to); }
};
struct StatsEach {
  PackedRows p;
  std::int64_t tokens, first, heads;
  const float* lse;
  float* stats;
  __device__ void operator()(std::int64_t i) const { stats_of_lse(p, tokens, first, heads, i, lse, stats); }
};
struct LseEach {
  PackedRows p;
  std::int64_t tokens, heads;
  const float* stats;
  float* lse;
  __device__ void operator()(std::int64_t i) const { lse_of_stats(p, tokens, heads, i, stats, lse); }
};

}  // namespace

void widen_rows(DeviceQueue& queue, const PackedRows& p, std::int64_t rows, std::int64_t width,
                const std::uint16_t* from, float* to) {
  for_each(queue, "attention's results", rows * width, WidenEach{p, width, from, to});
}
void make_stats(DeviceQueue& queue, const PackedRows& p, std::int64_t rows, std::int64_t tokens,
                std::int64_t first, std::int64_t heads, const float* lse, float* stats) {
  for_each(queue, "attention's log-sums", rows * heads, StatsEach{p, tokens, first, heads, lse, stats});
}
void make_lse(DeviceQueue& queue, const PackedRows& p, std::int64_t rows, std::int64_t tokens,
              std::int64_t heads, const float* stats, float* lse) {
  for_each(queue, "attention's log-sums", rows * heads, LseEach{p, tokens, heads, stats, lse});
}

}  // namespace lq::backends::cuda
