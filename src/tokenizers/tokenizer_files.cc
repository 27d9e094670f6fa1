#include "tokenizers/tokenizer_files.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "files/json_file.h"

namespace lq::tokenizers {
namespace {

// How many brackets are open at once, those within strings left out.
int deepest_nesting(std::string_view text) {
  int open = 0, deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      deepest = std::max(deepest, ++open);
    } else if (!quoted && (c == ']' || c == '}')) {
      open -= open > 0 ? 1 : 0;
    }
  }
  return deepest;
}

}  // namespace

nlohmann::json parse_tokenizer_json(std::string_view text, const std::string& who) {
  LQ_CHECK(deepest_nesting(text) <= kJsonDepthLimit, kCorruptFile, "{}: JSON nested deeper than {}", who,
           kJsonDepthLimit);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kCorruptFile, "{}: not valid JSON: {}", who, e.what());
  }
}

std::string read_tokenizer_file(const std::filesystem::path& path) {
  std::error_code ec;
  LQ_CHECK(std::filesystem::exists(path, ec), kNotFound, "{}: no such file", path.string());
  LQ_CHECK(std::filesystem::is_regular_file(path, ec), kInvalidArgument, "{}: not a file", path.string());
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  LQ_CHECK(in.is_open() && !in.bad(), kIo, "{}: cannot be read", path.string());
  return std::move(bytes).str();
}

}  // namespace lq::tokenizers
