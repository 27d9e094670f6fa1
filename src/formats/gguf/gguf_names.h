// Names of a GGUF file's tensors and the Hugging Face names of the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace lq {

// How Hugging Face calls the modules of one kind of model; the key is llama.cpp's name, without "blk.N." and
// ".weight".
struct GgufNames {
  std::string block = "model.layers.";  // before a block's number
  std::map<std::string, std::string, std::less<>> outside;
  // In a block; of the experts with "{}" for an expert's number: "mlp.experts.{}.up_proj".
  std::map<std::string, std::string, std::less<>> inside;
  std::set<std::string, std::less<>> with_bias = {};  // llama.cpp's names of modules that may have one
};

// Those of Llama's block: names, biases of its projections.
GgufNames gguf_decoder_names();

// "model.layers.3.self_attn.q_proj.weight" for "blk.3.attn_q.weight"; nothing for a name that the kind does
// not have. expert: whose matrix of a stack it is; -1: no stack.
std::optional<std::string> hugging_face_name(const GgufNames& names, std::string_view gguf_name,
                                             std::int64_t expert = -1);
// Whether the tensor holds a matrix for each expert.
bool is_expert_stack(const GgufNames& names, std::string_view gguf_name);
// N of "blk.N.", nothing for other names.
std::optional<std::int64_t> gguf_block_of(std::string_view gguf_name);

}  // namespace lq
