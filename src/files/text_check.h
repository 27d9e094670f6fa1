// Files that are not text, told by their first bytes: what they are and what to do about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lq {

constexpr std::size_t kTextHead = 4096;  // bytes that are looked at

struct NotText {
  std::string_view what;    // "a Parquet file"
  std::string_view advice;  // what makes text of it
};

// head: the first kTextHead bytes of a file, decompressed, or all of it. Nothing where they may be text.
std::optional<NotText> not_text(std::string_view head);

// Throws Error(kUnsupported): "NAME: a Parquet file, not text; ...".
void check_is_text(std::string_view head, std::string_view name);

}  // namespace lq
