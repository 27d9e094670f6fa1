#include "jobs/decompose_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/cuda/device.h"
#include "base/error.h"
#include "base/lanes.h"
#include "decompose/device_alternation.h"
#include "decompose/device_coder.h"
#include "models/placement.h"
#include "ops/device_memory.h"

namespace lq {
namespace {

std::int64_t largest_need(const DecomposeWork& work) {
  const bool left = work.importance == ImportanceKind::kKfac;
  const bool right = left || work.importance == ImportanceKind::kInput;
  std::int64_t most = 0;
  for (const DecomposeWork::Matrix& m : work.matrices) {
    most = std::max(
        most, device_alternation_bytes(m.rows, m.cols, m.rank, work.oversampling, left, right, work.coder));
  }
  return most;
}

// Why the device would have nothing to do; empty where it has. wish: that it is not worth while counts too.
std::string idle_text(const DecomposeWork& work, bool wish) {
  const auto there = [&](const DecomposeWork::Matrix& m) {
    return m.rank > 0 || work.quantizes_there || work.calibrates || work.coder;
  };
  if (std::ranges::none_of(work.matrices, there))
    return "no low-rank factors are asked for, and such codes alone are the cpu's";
  const auto large = [&](const DecomposeWork::Matrix& m) {
    return there(m) && m.rows * m.cols > kDeviceWeights;
  };
  if (wish && std::ranges::none_of(work.matrices, large))
    return fmt::format("no matrix has more than {} weights, and small ones are done as soon there",
                       kDeviceWeights);
  return {};
}

// What a queue takes beside its matrix: cuBLAS's workspace, rings of uploads, partial sums.
constexpr std::int64_t kQueueBytes = std::int64_t{96} << 20;
// More would wait for one another.
constexpr int kMostDeviceLanes = 4;

using OwnQueue = std::unique_ptr<DeviceQueue, CloseDeviceQueue>;

}  // namespace

Context choose_decompose_device(Context& ctx, const DecomposeWork& work, std::string_view who) {
  if (ctx.device.is_cpu()) return processor_context(ctx);
  if (const std::string idle = idle_text(work, ctx.device_is_wish); !idle.empty()) {
    LQ_CHECK(ctx.device_is_wish, kUnsupported, "[{}] {} has nothing to do: {}; leave `device` out", who,
             device_text(ctx.device), idle);
    ctx.progress.note(fmt::format("{}: on the cpu: {}", who, idle));
    return processor_context(ctx);
  }
  Context place = choose_device(ctx, largest_need(work), {}, who);
  place.device_is_wish = !place.device.is_cpu() && ctx.device_is_wish;
  return place;
}

int device_lanes(Context& ctx, const DecomposeWork& work, int most) {
  if (ctx.device.is_cpu()) return 1;
  const auto free = static_cast<std::int64_t>(backends::cuda::memory(ctx.device).free);
  const std::int64_t fit = free / 10 * 9 / (largest_need(work) + kQueueBytes);
  return static_cast<int>(std::clamp<std::int64_t>(fit, 1, std::clamp(most, 1, kMostDeviceLanes)));
}

void run_on_device(Context& ctx, int lanes, std::int64_t count,
                   const std::function<void(std::int64_t, Context&)>& body) {
  std::mutex mutex;  // guards what follows
  std::vector<OwnQueue> others;
  std::vector<DeviceQueue*> idle = {ctx.queue};
  run_in_lanes(lanes, ctx.pool.threads(), count, [&](std::int64_t i, ThreadPool& pool) {
    std::unique_lock lock(mutex);
    if (idle.empty()) {
      others.push_back(open_device_queue(ctx.device));
      idle.push_back(others.back().get());
    }
    DeviceQueue* const queue = idle.back();
    idle.pop_back();
    lock.unlock();
    Context lane{pool, ctx.progress, ctx.seed, ctx.stop};
    lane.device = ctx.device;
    lane.queue = queue;
    // Where it fails its queue stays away: no other lane begins after it.
    body(i, lane);
    lock.lock();
    idle.push_back(queue);
  });
}

bool has_device_coder(const FormatSet& formats, const QuantizerOptions& options) {
  return std::ranges::any_of(formats.choices(ChoiceSet::kLean), [&](const QuantChoice& choice) {
    return has_device_coder(*make_quantizer(choice, options));
  });
}

void tell_codes_on_cpu(Context& ctx, const std::vector<const Quantizer*>& quantizers, std::string_view who) {
  if (ctx.device.is_cpu()) return;
  const auto chosen_on_cpu = [](const Quantizer* q) {
    return !q->codebook_rounding().has_value() && !q->trellis_rounding().has_value();
  };
  const auto on_cpu = std::ranges::count_if(quantizers, chosen_on_cpu);
  if (on_cpu == 0) return;
  ctx.progress.note(fmt::format(
      "{}: factors are sought on {}; the codes of {} of {} matrices ({}{}) are chosen on the cpu", who,
      device_text(ctx.device), on_cpu, quantizers.size(),
      (*std::ranges::find_if(quantizers, chosen_on_cpu))->name(), on_cpu > 1 ? " and others" : ""));
}

}  // namespace lq
