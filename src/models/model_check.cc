#include "models/model_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/block_name.h"
#include "base/error.h"
#include "models/registry.h"
#include "models/tied_embeddings.h"

namespace lq {
namespace {

// Refuses one value of a spec by its name.
class Refusal {
 public:
  Refusal(std::string_view who, std::int64_t layer) : who_(who), layer_(layer) {}

  template <typename T>
  void unless(bool computed, std::string_view key, const T& value) const {
    if (computed) return;
    fail(ErrorCode::kUnsupported, "{}: {} is {}{}, which this program does not compute", who_, key, value,
         layer_ < 0 ? "" : fmt::format(" in layer {}", layer_));
  }

 private:
  std::string_view who_;
  std::int64_t layer_;
};

void refuse_block(const BlockSpec& b, const Refusal& refuse) {
  const AttentionSpec& a = b.attention;
  refuse.unless(a.causal || a.window == 0, "attention.window", a.window);
  refuse.unless(b.mlp.gated || !b.mlp.fused_gate_up, "mlp.fused_gate_up", b.mlp.fused_gate_up);
  refuse.unless(b.mlp.gated || !b.mlp.clamp, "mlp.clamp", "set without a gate");
  const bool plain = b.mlp.gated && !b.mlp.fused_gate_up;
  refuse.unless(b.mlp.experts == 0 || plain, "mlp.experts", b.mlp.experts);
  refuse.unless(b.mlp.experts == 0 || (b.mlp.experts_used >= 1 && b.mlp.experts_used <= b.mlp.experts),
                "mlp.experts_used", b.mlp.experts_used);
}

// The number of the block that a tensor stands in: "model.layers.12.x" -> 12.
std::optional<std::int64_t> layer_of(const TensorNames& names, std::string_view tensor) {
  constexpr std::int64_t kMost = 999'999'999;  // more is no block's number
  const auto block = parse_block_name(tensor);
  if (!block || block->number > kMost || names.block != std::string(block->prefix) + ".") return std::nullopt;
  return block->number;
}

}  // namespace

void refuse_uncomputed(const ModelSpec& spec, std::string_view who) {
  const Refusal refuse(who, -1);
  refuse.unless(!spec.blocks.empty(), "number of layers", 0);
  const AttentionSpec& first = spec.blocks.front().attention;
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer) {
    const BlockSpec& b = spec.blocks[static_cast<std::size_t>(layer)];
    const Refusal here(who, layer);
    refuse_block(b, here);
    // One table of angles and one width of cached keys serve all layers.
    here.unless(b.attention.causal == first.causal, "attention.causal", b.attention.causal);
    here.unless(b.attention.head_dim == first.head_dim, "attention.head_dim", b.attention.head_dim);
    here.unless(b.attention.kv_heads == first.kv_heads, "attention.kv_heads", b.attention.kv_heads);
  }
}

void refuse_encoder(const ModelSpec& spec, std::string_view who, std::string_view what) {
  LQ_CHECK(!spec.encoder(), kUnsupported,
           "{}: an encoder reads whole sequences and cannot {} (a decoder can)", who, what);
}

void check_model_config(const ModelSpec& spec, const TensorNames& names, std::span<const NamedShape> tensors,
                        std::string_view who) {
  std::unordered_map<std::string, const Shape*> shapes;
  std::int64_t layers = 0;
  for (const NamedShape& t : tensors) {
    shapes.emplace(t.name, &t.shape);
    if (const auto layer = layer_of(names, t.name)) layers = std::max(layers, *layer + 1);
  }
  for (const ModelTensor& want : model_tensors(spec, names)) {
    auto at = shapes.find(want.name);
    // A tied model may have been saved with its head alone.
    const bool shared =
        spec.tied_embeddings && spec.has_head && want.name == names.module(Role::kEmbedding) + ".weight";
    if (at == shapes.end() && shared) at = shapes.find(names.module(Role::kHead) + ".weight");
    // A block whose tensors all lack is not there; said once, not tensor by tensor.
    LQ_CHECK(at != shapes.end() || layers == 0 || want.layer < layers, kMismatch,
             "[model] {}: the file has {} layers, but config.json says num_hidden_layers {}", who, layers,
             spec.layers());
    LQ_CHECK(at != shapes.end(), kNotFound,
             "[model] {}: there is no tensor {}, which config.json asks for: {}", who, want.name,
             shape_text(want.shape));
    LQ_CHECK(*at->second == want.shape, kMismatch, "[model] {}: {} is {}, but config.json makes it {}", who,
             want.name, shape_text(*at->second), shape_text(want.shape));
  }
}

std::vector<std::string> unused_block_tensors(const ModelSpec& spec, const TensorNames& names,
                                              std::span<const NamedShape> tensors) {
  static constexpr std::string_view kBuffers[] = {".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias",
                                                  ".attention.bias", ".attention.masked_bias"};
  std::unordered_set<std::string> used;
  for (const ModelTensor& t : model_tensors(spec, names)) used.insert(t.name);
  std::vector<std::string> unused;
  for (const NamedShape& t : tensors) {
    const auto layer = layer_of(names, t.name);
    if (!layer || *layer >= spec.layers() || used.contains(t.name)) continue;
    const bool buffer = std::ranges::any_of(
        kBuffers, [&](std::string_view end) { return std::string_view(t.name).ends_with(end); });
    if (!buffer) unused.push_back(t.name);
  }
  return unused;
}

void check_model_config(const JsonObject& config, const CheckpointReader& tensors) {
  const ModelFamily* family = find_model_family(config);
  if (family == nullptr) return;
  std::vector<NamedShape> shapes;
  for (const TensorView& t : tensors.tensors()) shapes.push_back({t.name(), t.shape()});
  ModelSpec spec = model_spec(config);
  const TensorNames names = names_in(tensors, family->names);
  spec.tied_embeddings = shares_embeddings(tensors, names, spec.tied_embeddings);
  check_model_config(spec, names, shapes, tensors.directory().string());
}

}  // namespace lq
