#include "models/placement.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "backends/cuda/attention.h"
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

// What cuDNN's attention keeps beside its operands: queries, keys, values, the result and the gradients of
// all four in bf16; sums of the queries' gradients in f32; three numbers a row and head.
std::int64_t attention_bytes(const ModelSpec& spec, std::int64_t tokens) {
  const std::int64_t heads = spec.blocks.front().attention.heads;
  const std::int64_t q_width = heads * spec.head_dim();
  return tokens * (2 * 4 * (q_width + spec.kv_width()) + 4 * q_width + 3 * 4 * heads);
}

std::string bytes_text(std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

// The context on its device where that has room for so many bytes, else as choose_device says.
Context with_room(Context& ctx, std::int64_t bytes, const std::vector<std::string>& help,
                  std::string_view who) {
  const std::string device = device_text(ctx.device);
  const backends::cuda::DeviceMemory memory = backends::cuda::memory(ctx.device);
  const DeviceRoom room{device, bytes, static_cast<std::int64_t>(memory.free),
                        static_cast<std::int64_t>(memory.total), help};
  if (const std::string shortage = shortage_text(room); !shortage.empty()) {
    LQ_CHECK(ctx.device_is_wish, kIo, "[{}] {}", who, shortage);
    ctx.progress.note(fmt::format("{}: on the cpu: {}", who, shortage));
    return processor_context(ctx);
  }
  const auto all = backends::cuda::devices();
  const std::string name = ctx.device.index < all.size() ? all[ctx.device.index].name : "a card";
  // Where attention is not in f32, what computes it.
  std::string by = backends::cuda::product_library(*ctx.queue);
  if (ctx.matmul_precision == MatmulPrecision::kBf16) {
    by += ", attention: ";
    by += backends::cuda::attention_library(*ctx.queue);
  }
  ctx.progress.note(fmt::format("{}: on {} ({}, {}); needs about {} of its {}, of which {} are free", who,
                                device, name, by, bytes_text(bytes), bytes_text(room.total),
                                bytes_text(room.free)));
  Context result = ctx;
  result.device_is_wish = false;
  return result;
}

}  // namespace

Context processor_context(const Context& ctx) {
  Context result = ctx;
  result.device = {};
  result.queue = nullptr;
  result.device_is_wish = false;
  return result;
}

std::int64_t device_bytes(const Model& model, const PlacementNeed& need) {
  const std::int64_t decoded = model.largest_decoded_bytes();
  const std::int64_t kept = need.recomputes ? model.decoded_block_bytes() : 0;
  // The widest operands in bf16, x and the gradients of all that read it with their low-rank columns: half of
  // what the scratch has in f32, at most.
  const std::int64_t rounded = need.memory.scratch / 2;
  const std::int64_t attention = attention_bytes(model.spec(), need.attention_tokens);
  return need.memory.total() + need.more + decoded + kept + rounded + attention + kScores + kFixed;
}

std::string shortage_text(const DeviceRoom& room) {
  if (room.need <= room.free) return {};
  const bool fits_alone = room.need <= room.total;
  std::vector<std::string> help = room.help;
  if (fits_alone) help.insert(help.begin(), "the end of other programs on the card");
  const std::string all = help.empty() ? "`device` cpu helps"
                                       : fmt::format("{}{} or `device` cpu help", fmt::join(help, ", "),
                                                     help.size() > 1 ? "," : "");
  return fmt::format("{} {}: about {} are needed, {} of {} are free; {}", room.device,
                     fits_alone ? "has no room" : "is too small", bytes_text(room.need),
                     bytes_text(room.free), bytes_text(room.total), all);
}

Context choose_device(Context& ctx, const Model& model, const PlacementNeed& need, std::string_view who) {
  const Model* const one = &model;
  return choose_device(ctx, {&one, 1}, need, who);
}

Context choose_device(Context& ctx, std::span<const Model* const> models, const PlacementNeed& need,
                      std::string_view who) {
  if (ctx.device.is_cpu()) return processor_context(ctx);
  const std::string device = device_text(ctx.device);
  std::int64_t bytes = 0;
  for (const Model* model : models) {
    if (const std::string why = model->stays_on_cpu(); !why.empty()) {
      LQ_CHECK(ctx.device_is_wish, kUnsupported, "[{}] the model cannot go to {}: {}", who, device, why);
      ctx.progress.note(fmt::format("{}: on the cpu: {}", who, why));
      return processor_context(ctx);
    }
    bytes = std::max(bytes, device_bytes(*model, need));
  }
  return with_room(ctx, bytes, DeviceRoom().help, who);
}

Context choose_device(Context& ctx, std::int64_t bytes, const std::vector<std::string>& help,
                      std::string_view who) {
  if (ctx.device.is_cpu()) return processor_context(ctx);
  return with_room(ctx, bytes + kFixed, help, who);
}

Context place_for_inference(Context& ctx, Model& model, std::int64_t tokens, std::int64_t cached, bool tiles,
                            std::string_view who) {
  const ModelSpec& spec = model.spec();
  const std::int64_t cache = 8 * spec.layers() * spec.kv_width() * cached;
  const PlacementNeed need{.memory = model.memory_estimate(tokens, false),
                           .more = cache + (tiles ? model.tile_growth(ctx) : 0),
                           .attention_tokens = tokens,
                           .recomputes = false,
                           .tiles = tiles};
  Context placed = choose_device(ctx, model, need, who);
  move_model(placed, model, need);
  return placed;
}

void move_model(Context& ctx, Model& model, const PlacementNeed& need) {
  if (ctx.device.is_cpu()) return;
  model.to_device(ctx);
  if (need.tiles) model.to_tiles(ctx);
  const std::int64_t kept = need.recomputes ? model.decoded_block_bytes() : 0;
  backends::cuda::keep_decoded(*ctx.queue, static_cast<std::size_t>(kept));
}

}  // namespace lq
