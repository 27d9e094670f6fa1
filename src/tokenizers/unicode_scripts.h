// Scripts of characters as Hugging Face's pre-tokenizer UnicodeScripts sees them: kana count as Han, the
// space and what no script owns belong to any.
#pragma once

namespace lq::tokenizers {

inline constexpr int kAnyScript = 0;
// A number for each script, kAnyScript for characters of any.
int script_of(char32_t c);

}  // namespace lq::tokenizers
