// Names of a GGUF file's tensors and the Hugging Face names of the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lq {

// "model.layers.3.self_attn.q_proj.weight" for "blk.3.attn_q.weight"; nothing for a name that no decoder of
// llama.cpp's kinds llama, qwen2 and qwen3 has.
std::optional<std::string> hugging_face_name(std::string_view gguf_name);
// N of "blk.N.", nothing for other names.
std::optional<std::int64_t> gguf_block_of(std::string_view gguf_name);

}  // namespace lq
