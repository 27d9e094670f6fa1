#include <fmt/ranges.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/app.h"
#include "formats/model_folder.h"
#include "tokenizers/tokenizer.h"

namespace lq::cli {
namespace {

struct TokenizeFlags {
  std::string tokenizer, file;
  bool decode = false, pieces = false, special = false;
};

std::vector<std::int32_t> parse_ids(const std::string& line, std::int64_t number) {
  std::vector<std::int32_t> ids;
  std::istringstream words(line);
  std::string word;
  while (words >> word) {
    std::size_t used = 0;
    int id = -1;
    try {
      id = std::stoi(word, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    LQ_CHECK(used == word.size(), kInvalidArgument, "line {}: '{}' is no token id", number, word);
    ids.push_back(id);
  }
  return ids;
}

void run(Session& session, const TokenizeFlags& f) {
  const auto tokenizer = Tokenizer::load(model_folder(f.tokenizer));
  std::ifstream file;
  if (!f.file.empty()) {
    file.open(f.file, std::ios::binary);
    LQ_CHECK(file.is_open(), kNotFound, "{}: cannot be read", f.file);
  }
  std::istream& in = f.file.empty() ? std::cin : file;
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  std::string line;
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    session.context().stop.check();
    if (f.decode) {
      const std::string text = tokenizer->decode(parse_ids(line, number), false);
      session.print(text + "\n");
      lines.push_back(text);
      continue;
    }
    const auto ids = tokenizer->encode(line, f.special);
    if (f.pieces) {
      std::vector<std::string> pieces;
      pieces.reserve(ids.size());
      for (const std::int32_t id : ids) pieces.push_back(tokenizer->piece(id));
      session.print(fmt::format("{}\n", fmt::join(pieces, " ")));
      lines.push_back(pieces);
    } else {
      session.print(fmt::format("{}\n", fmt::join(ids, " ")));
      lines.push_back(ids);
    }
  }
  LQ_CHECK(!in.bad(), kIo, "{}: reading failed", f.file.empty() ? "standard input" : f.file);
  session.write_json(
      {{"tokenizer", tokenizer->kind()}, {"vocab_size", tokenizer->vocab_size()}, {"lines", lines}});
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TokenizeFlags>();
  auto* verb = app.add_subcommand("tokenize", "Token ids of a text, a line at a time, or the other way");
  verb->footer("Example: echo \"It was a cold evening\" | lqlora tokenize examples/models/quill");
  verb->add_option("MODEL_OR_TOKENIZER", flags->tokenizer,
                   "Model (a directory or a .gguf file) or tokenizer file")
      ->required();
  verb->add_option("--file", flags->file, "Read this file (default: standard input)");
  auto* decode = verb->add_flag("--decode", flags->decode, "Read token ids, write text");
  verb->add_flag("--pieces", flags->pieces, "Show the tokens as the file writes them")->excludes(decode);
  verb->add_flag("--special", flags->special, "Add BOS, EOS and the like to each line as the tokenizer does");
  verb->callback([flags, &action] { action = [flags](Session& session) { run(session, *flags); }; });
}

}  // namespace lq::cli
