#include "models/placement.h"

#include "backends/cuda/device.h"
#include "base/error.h"
#include "base/process.h"

namespace lq {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
// The driver's context and kernels, cuBLAS with its workspace, rings of uploads.
constexpr std::int64_t kFixed = 700 * kMiB;
// Scores of attention's blocks and their like, at most.
constexpr std::int64_t kScores = 4 * 64 * kMiB;

Context on_processor(const Context& ctx) {
  Context result = ctx;
  result.device = {};
  result.queue = nullptr;
  result.device_is_wish = false;
  return result;
}

std::string bytes_text(std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

}  // namespace

std::int64_t device_bytes(const Model& model, const PlacementNeed& need) {
  const std::int64_t decoded = 2 * model.largest_weight();
  const std::int64_t kept = need.recomputes ? 2 * model.packed_block_weights() : 0;
  // The widest operand in bf16: half of what the scratch has for it in f32, at most.
  const std::int64_t rounded = need.memory.scratch / 2;
  return need.memory.total() + need.more + decoded + kept + rounded + kScores + kFixed;
}

Context choose_device(Context& ctx, const Model& model, const PlacementNeed& need, std::string_view who) {
  if (ctx.device.is_cpu()) return on_processor(ctx);
  const std::string device = device_text(ctx.device);
  if (const std::string why = model.stays_on_cpu(); !why.empty()) {
    LQ_CHECK(ctx.device_is_wish, kUnsupported, "[{}] the model cannot go to {}: {}", who, device, why);
    ctx.progress.note(fmt::format("{}: on the cpu: {}", who, why));
    return on_processor(ctx);
  }
  const backends::cuda::DeviceMemory memory = backends::cuda::memory(ctx.device);
  const std::int64_t bytes = device_bytes(model, need);
  const auto free = static_cast<std::int64_t>(memory.free);
  if (bytes > free) {
    LQ_CHECK(
        ctx.device_is_wish, kIo,
        "[{}] {} has no room: about {} are needed, {} of {} are free; smaller batches, shorter "
        "sequences, fewer bits per weight, `recompute` always, the end of other programs on the card, or "
        "`device` cpu help",
        who, device, bytes_text(bytes), bytes_text(free),
        bytes_text(static_cast<std::int64_t>(memory.total)));
    ctx.progress.note(fmt::format("{}: on the cpu, for {} has {} free and about {} are needed", who, device,
                                  bytes_text(free), bytes_text(bytes)));
    return on_processor(ctx);
  }
  const auto all = backends::cuda::devices();
  const std::string name = ctx.device.index < all.size() ? all[ctx.device.index].name : "a card";
  ctx.progress.note(fmt::format("{}: on {} ({}, {}); needs about {} of its {}, of which {} are free", who,
                                device, name, backends::cuda::product_library(*ctx.queue), bytes_text(bytes),
                                bytes_text(static_cast<std::int64_t>(memory.total)), bytes_text(free)));
  Context result = ctx;
  result.device_is_wish = false;
  return result;
}

Context place_for_inference(Context& ctx, Model& model, std::int64_t tokens, std::int64_t cached,
                            std::string_view who) {
  const ModelSpec& spec = model.spec();
  const PlacementNeed need{.memory = model.memory_estimate(tokens, false),
                           .more = 8 * spec.layers() * spec.kv_width() * cached};
  Context placed = choose_device(ctx, model, need, who);
  move_model(placed, model, need);
  return placed;
}

void move_model(Context& ctx, Model& model, const PlacementNeed& need) {
  if (ctx.device.is_cpu()) return;
  model.to_device(ctx);
  const std::int64_t kept = need.recomputes ? 2 * model.packed_block_weights() : 0;
  backends::cuda::keep_decoded(*ctx.queue, static_cast<std::size_t>(kept));
}

}  // namespace lq
