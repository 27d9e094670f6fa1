// TOML as a tree, for the readers of this folder.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace lq {

// `name` stands in messages. Throws Error(kCorruptFile) "NAME:LINE:COLUMN: ..." for text that is no TOML.
toml::table parse_toml(std::string_view text, const std::string& name);

}  // namespace lq
