// Where the tokenizers and their expected ids lie (tests/goldens/make_tokenizer_goldens.py).
#pragma once

#include <filesystem>

#include "support/paths.h"

namespace lq::tokenizers {

inline const std::filesystem::path kTokenizerGoldens =
    std::filesystem::path(lq::test::source_dir()) / "tests" / "goldens" / "tokenizers";

}  // namespace lq::tokenizers
