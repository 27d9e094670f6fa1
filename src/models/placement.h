// Where a job's model is computed: on the device that the context names, if it has room.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/model.h"
#include "tensor/context.h"

namespace lq {

// What of a device's memory a job takes, besides what the model's own estimate counts.
struct PlacementNeed {
  ModelMemory memory = {};  // of all models that go there
  std::int64_t more = 0;    // moments, caches, gradients that wait
  // Tokens of a pass whose attention may be cuDNN's, which takes and gives 16 bits: none in f32.
  std::int64_t attention_tokens = 0;
  // Whether backward computes a block's activations again: then its decoded weights are kept between.
  bool recomputes = false;
  // Whether it decodes fast and does nothing else: then packed weights go into tiles (Model::to_tiles).
  bool tiles = false;
};

// Bytes of a CUDA device that a job takes in all: with the context of the driver, cuBLAS's workspace, and
// what products and attention round or decode into.
std::int64_t device_bytes(const Model& model, const PlacementNeed& need);

// The context to compute with. Where the device has no room for `need`, or cannot compute this model: the
// processor's context with a note that says why if the context's device is a wish (--device auto), else one
// line with need, free and what to change, as Error(kIo), or Error(kUnsupported). `who` begins the note:
// "finetune". Moves nothing.
Context choose_device(Context& ctx, const Model& model, const PlacementNeed& need, std::string_view who);
// The same of a job with several models. REQUIRES: at least one; need.memory is that of all.
Context choose_device(Context& ctx, std::span<const Model* const> models, const PlacementNeed& need,
                      std::string_view who);

// The same context on the processor, which no wish for a device follows.
Context processor_context(const Context& ctx);

// The same of a job without a model, which takes `bytes` of the device and what every job takes (the driver's
// context, cuBLAS's workspace). help: as in DeviceRoom.
Context choose_device(Context& ctx, std::int64_t bytes, const std::vector<std::string>& help,
                      std::string_view who);

// What is known of a device before the work starts, in bytes.
struct DeviceRoom {
  std::string device;  // "cuda:0"
  std::int64_t need = 0, free = 0, total = 0;
  // What makes the job smaller, for a user; that other programs end, and the processor, help any job.
  std::vector<std::string> help = {"smaller batches", "shorter sequences", "`recompute` always",
                                   "fewer bits per weight"};
};
// Why there is no room, and what to change; empty where there is. "cuda:0 has no room: about ...".
std::string shortage_text(const DeviceRoom& room);

// Brings the model to the context's device, and sets that up for what `need` says.
void move_model(Context& ctx, Model& model, const PlacementNeed& need);

// Both, for inference over `tokens` tokens at once, with a cache of `cached` tokens. tiles: as in
// PlacementNeed.
Context place_for_inference(Context& ctx, Model& model, std::int64_t tokens, std::int64_t cached, bool tiles,
                            std::string_view who);

}  // namespace lq
