// Low-rank parts of projections that the model has within one matrix become one part of that matrix.
#include <algorithm>

#include "base/error.h"
#include "formats/peft_adapter.h"
#include "ops/host_math.h"
#include "tensor/matrix.h"

namespace lq {
namespace {

TensorView view_of(std::string name, const Tensor& t) {
  TensorView view;
  view.spec = {std::move(name), t.dtype(), t.shape()};
  view.data = t.raw();
  view.bytes = t.bytes();
  return view;
}

}  // namespace

void PeftAdapterReader::fuse(const std::vector<FusedModule>& modules) {
  for (const FusedModule& fused : modules) {
    std::int64_t rank = 0, in = 0;
    const std::string who = fmt::format("[adapter] {}", directory_.string());
    for (const FusedPart& part : fused.parts) {
      const LoraPair* const pair = find(part.module);
      if (pair == nullptr) continue;
      LQ_CHECK(!pair->magnitude, kUnsupported,
               "{}: {} has a magnitude (use_dora), but the model has it within {}", who, part.module,
               fused.module);
      LQ_CHECK(pair->out == part.rows && (in == 0 || in == pair->in), kMismatch,
               "{}: B of {} has {} rows and A {} columns, but in {} it is {} rows", who, part.module,
               pair->out, pair->in, fused.module, part.rows);
      rank += pair->rank;
      in = pair->in;
    }
    if (rank == 0) continue;
    LQ_CHECK(find(fused.module) == nullptr, kMismatch, "{}: it changes {} and parts of it", who,
             fused.module);
    auto narrow = std::make_unique<Tensor>(Tensor::zeros(DType::kF32, {rank, in}));
    auto wide = std::make_unique<Tensor>(Tensor::zeros(DType::kF32, {fused.rows, rank}));
    std::int64_t at = 0;
    for (const FusedPart& part : fused.parts) {
      const LoraPair* const pair = find(part.module);
      if (pair == nullptr) continue;
      const Tensor from_a = pair->a.copy_f32(), from_b = pair->b.copy_f32();
      std::copy_n(from_a.data<float>(), from_a.numel(), matrix_of(*narrow).row(at));
      copy_scaled_columns(static_cast<float>(pair->scaling), const_matrix_of(from_b),
                          matrix_of(*wide).slice(part.begin, part.rows), at);
      at += pair->rank;
    }
    std::erase_if(pairs_, [&](const LoraPair& p) {
      return std::ranges::any_of(fused.parts, [&](const FusedPart& part) { return part.module == p.module; });
    });
    LoraPair whole{fused.module,
                   view_of(fused.module + ".lora_A.weight", *narrow),
                   view_of(fused.module + ".lora_B.weight", *wide),
                   rank,
                   in,
                   fused.rows,
                   static_cast<double>(rank),
                   1.0};
    fused_.push_back(std::move(narrow));
    fused_.push_back(std::move(wide));
    pairs_.insert(std::ranges::lower_bound(pairs_, whole.module, {}, &LoraPair::module), std::move(whole));
  }
}

}  // namespace lq
