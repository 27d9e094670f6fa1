// How gpt-oss's files hold its experts: one stack a layer for each of
//   gate_up_proj [experts, hidden, 2 inner], gate_up_proj_bias [experts, 2 inner]: gate and up by turns
//   down_proj    [experts, inner, hidden],   down_proj_bias    [experts, hidden]
// and, in MXFP4, NAME_blocks [experts, outputs, inputs / 32, 16] with NAME_scales [experts, outputs,
// inputs / 32] in place of NAME. Here each expert has gate_proj, up_proj and down_proj, [outputs, inputs].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor_view.h"

namespace lq {

inline constexpr std::string_view kGptOssType = "gpt_oss";  // config.json's model_type

// The stacks cut into the experts' own tensors, where they stand; other tensors stay. Throws
// Error(kCorruptFile) starting with `who` and naming the tensor for another shape or type than a stack of
// that many experts has (nothing: any number), blocks without scales or scales without blocks, or a stack
// that is there in both forms.
std::vector<TensorView> gpt_oss_experts(const std::vector<TensorView>& views,
                                        std::optional<std::int64_t> experts, std::string_view who);

// Where an expert's own tensor stands in the files.
struct ExpertPlace {
  enum class Part { kGate, kUp, kDown };
  std::string stack;  // "model.layers.0.mlp.experts.gate_up_proj"
  std::int64_t expert = 0;
  Part part = Part::kGate;
  bool bias = false;

  // Tensors of one expert that the stack holds: gate and up lie in one.
  std::int64_t parts() const { return part == Part::kDown ? 1 : 2; }
};

// Of "model.layers.0.mlp.experts.3.up_proj.weight"; nothing for other tensors.
std::optional<ExpertPlace> gpt_oss_place(std::string_view name);

}  // namespace lq
