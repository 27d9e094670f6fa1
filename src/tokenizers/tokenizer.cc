#include "tokenizers/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizers/hf_tokenizer.h"
#include "tokenizers/sentencepiece.h"
#include "tokenizers/tiktoken.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/vocab_files.h"

namespace lq::tokenizers {
namespace {

namespace fs = std::filesystem;

fs::path find_file(const fs::path& directory) {
  std::error_code ec;
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"}) {
    if (fs::exists(directory / name, ec)) return directory / name;
  }
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(directory, ec)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".tiktoken" || extension == ".model") others.push_back(entry.path());
  }
  LQ_CHECK(others.size() == 1, kNotFound,
           "{}: no tokenizer here (expected tokenizer.json, tokenizer.model, vocab.json with merges.txt, or "
           "vocab.txt)",
           directory.string());
  return others.front();
}

}  // namespace

std::vector<TextPart> Tokenizer::single_parts() const {
  std::vector<TextPart> parts;
  if (special_.add_bos) parts.push_back({-1, *special_.bos, 0});
  parts.push_back({0, -1, 0});
  if (special_.add_eos) parts.push_back({-1, *special_.eos, 0});
  return parts;
}

std::unique_ptr<Tokenizer> Tokenizer::load(const fs::path& path) {
  std::error_code ec;
  LQ_CHECK(fs::exists(path, ec), kNotFound, "{}: no such file or folder", path.string());
  const fs::path file = fs::is_directory(path, ec) ? find_file(path) : path;
  const std::string who = file.string();
  const fs::path directory = file.parent_path();
  const TokenizerConfig config = read_tokenizer_config(directory);
  const std::string bytes = read_tokenizer_file(file);
  LQ_CHECK(!bytes.empty(), kCorruptFile, "{}: the file is empty", who);
  const std::string name = file.filename().string(), extension = file.extension().string();
  if (name == "vocab.json" || name == "merges.txt") {
    const fs::path vocab = directory / "vocab.json", merges = directory / "merges.txt";
    return make_vocab_merges_tokenizer(read_tokenizer_file(vocab), vocab.string(),
                                       read_tokenizer_file(merges), merges.string(), config);
  }
  if (extension == ".txt") return make_vocab_txt_tokenizer(bytes, who, config);
  if (extension == ".json" || bytes.front() == '{') return make_hf_tokenizer(bytes, config, who);
  if (looks_like_sentencepiece(bytes)) return std::make_unique<SentencePieceTokenizer>(bytes, config, who);
  return std::make_unique<TiktokenTokenizer>(bytes, config, who);
}

std::unique_ptr<Tokenizer> Tokenizer::load(const Folder& folder) {
  if (!folder.in_memory()) return load(folder.path());
  const TokenizerConfig config = read_tokenizer_config(folder);
  const char* name = "tokenizer.json";
  if (folder.has(name))
    return make_hf_tokenizer(folder.read(name, kTokenizerFileLimit), config, folder.who(name));
  name = "tokenizer.model";
  LQ_CHECK(folder.has(name), kNotFound, "{}: no tokenizer in it", folder.path().string());
  return std::make_unique<SentencePieceTokenizer>(folder.read(name, kTokenizerFileLimit), config,
                                                  folder.who(name));
}

}  // namespace lq::tokenizers
