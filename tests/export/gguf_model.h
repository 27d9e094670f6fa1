// The tiny model with a tokenizer, which a GGUF file holds.
#pragma once

#include <filesystem>

#include "jobs/tiny_model.h"
#include "support/io_test_util.h"

namespace lq {

inline void put_tiny_tokenizer(const std::filesystem::path& directory) {
  io_test::put_file(directory / "tokenizer.json",
                    R"({"added_tokens": [{"id": 3, "content": "<s>", "special": true}],
          "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true, "trim_offsets": true},
          "decoder": {"type": "ByteLevel"},
          "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
  io_test::put_file(directory / "tokenizer_config.json",
                    R"({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>"})");
}

}  // namespace lq
