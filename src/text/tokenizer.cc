#include "text/tokenizer.h"

#include "base/error.h"
#include "text/hf_tokenizer.h"
#include "text/json_fields.h"

namespace lq {

std::unique_ptr<Tokenizer> Tokenizer::load(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code ec;
  LQ_CHECK(fs::exists(path, ec), kNotFound, "{}: no such file or folder", path.string());
  fs::path file = path;
  if (fs::is_directory(path, ec)) file = path / "tokenizer.json";
  const TokenizerConfig config = read_tokenizer_config(file.parent_path());
  return make_hf_tokenizer(read_text_file(file), config, file.string());
}

}  // namespace lq
