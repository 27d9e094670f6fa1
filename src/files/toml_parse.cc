#include "files/toml_parse.h"

#include "base/error.h"
#include "base/printable.h"

namespace lq {

toml::table parse_toml(std::string_view text, const std::string& name) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& e) {
    fail(ErrorCode::kCorruptFile, "{}:{}:{}: {}", name, e.source().begin.line, e.source().begin.column,
         printable(e.description()));
  }
}

}  // namespace lq
