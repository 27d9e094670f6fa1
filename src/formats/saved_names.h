// Names of a checkpoint's tensors as the model's own save_pretrained gives them, whatever the model was
// wrapped in when it was saved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lq {

// In place of names[i]:
//   without "_orig_mod.", "_fsdp_wrapped_module." and "_checkpoint_wrapped_module." wherever they stand
//     (torch.compile, FSDP, activation checkpointing);
//   without "module." where every name begins with it (DataParallel, DistributedDataParallel);
//   with "model." before "layers.", "embed_tokens." and "norm." where no name has it and both of the first
//     two are there (the body saved without its head, by AutoModel);
//   with "weight" and "bias" for "gamma" and "beta" behind "LayerNorm." (the first BERTs), as transformers.
// Other names stay. Throws Error(kCorruptFile) starting with `who` where two names become one.
std::vector<std::string> normalized_names(const std::vector<std::string>& names, std::string_view who);

// N of "model.layers.N.", nothing for other names.
std::optional<std::int64_t> block_of(std::string_view name);

}  // namespace lq
