// Where the tokenizers and their expected ids lie (tests/goldens/make_tokenizer_goldens.py).
#pragma once

#include <filesystem>

namespace lq {

inline const std::filesystem::path kTokenizerGoldens =
    std::filesystem::path(LQ_SOURCE_DIR) / "tests" / "goldens" / "tokenizers";

}  // namespace lq
