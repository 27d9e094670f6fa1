// A model whose numbers lie on another device than the processor.
#include <algorithm>

#include "models/model.h"
#include "models/model_state.h"
#include "ops/device_memory.h"

namespace lq {

Device Model::device() const { return state_->embedding->table().value.device(); }

std::string Model::stays_on_cpu() const {
  for (const BlockSpec& b : state_->spec.blocks) {
    if (b.norm.kind == NormKind::kLayer) return "its layer norms are computed on the cpu";
    if (b.mlp.experts > 0) return "its experts are routed on the cpu";
    if (b.attention.head_dim > 256) return "its attention heads are wider than 256, which the cpu computes";
  }
  if (state_->spec.final_norm.kind == NormKind::kLayer) return "its layer norms are computed on the cpu";
  for (const Module& m : state_->modules()) {
    const Linear& linear = *m.linear;
    if (linear.weight().view().layout == backends::PackedLayout::kStored) {
      return m.name +
             " is in a type of ggml's, which the cpu alone decodes (quantize the model, or convert it)";
    }
    if (linear.lora() != nullptr && linear.lora()->magnitude != nullptr)
      return "its adapter has magnitudes (DoRA), which are computed on the cpu";
  }
  const EmbeddingLora* const lora = state_->embedding->lora();
  if (lora != nullptr && lora->magnitude != nullptr)
    return "its adapter has magnitudes (DoRA), which are computed on the cpu";
  return {};
}

void Model::to_device(Context& ctx) {
  const std::string refusal = stays_on_cpu();
  LQ_CHECK(refusal.empty() || ctx.device.is_cpu(), kUnsupported, "[model] {} cannot go to {}: {}",
           state_->path(), device_text(ctx.device), refusal);
  ++state_->changes;
  for (Parameter& p : state_->parameters) p.to_device(ctx);
  for (Parameter* p : state_->adapter_parameters()) p->to_device(ctx);
  for (const Module& m : state_->modules()) {
    m.linear->weight().to_device(ctx);
    if (Lora* const fixed = m.linear->fixed_lora()) {
      fixed->a.to_device(ctx);
      fixed->b.to_device(ctx);
    }
  }
}

void Model::to_tiles(Context& ctx) {
  for (const Module& m : state_->modules()) m.linear->weight().to_tiles(ctx);
}

std::int64_t Model::tile_growth(const Context& ctx) const {
  std::int64_t bytes = 0;
  for (const Module& m : state_->modules()) bytes += m.linear->weight().tile_growth(ctx);
  return bytes;
}

void Model::adapters_to_host(Context& ctx) {
  for (Parameter* p : trainable()) p->to_host(ctx);
  for (Parameter* p : state_->adapter_parameters()) p->to_host(ctx);
  for (const std::string& name : state_->replaced) find_parameter(name)->to_host(ctx);
  for (const Module& m : state_->modules()) {
    if (Lora* const fixed = m.linear->fixed_lora()) {
      fixed->a.to_host(ctx);
      fixed->b.to_host(ctx);
    }
  }
}

std::int64_t Model::largest_weight() const {
  std::int64_t most = 0;
  for (const Module& m : state_->modules()) most = std::max(most, m.linear->in() * m.linear->out());
  return most;
}

std::int64_t Model::packed_block_weights() const {
  std::int64_t most = 0;
  std::int64_t sum = 0;
  std::int64_t layer = -1;
  for (const Module& m : state_->modules()) {
    if (!m.in_block() || m.linear->weight().parameter() != nullptr) continue;
    if (m.layer != layer) sum = 0;
    layer = m.layer;
    sum += m.linear->in() * m.linear->out();
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace lq
