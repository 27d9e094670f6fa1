#include <fmt/ranges.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/app.h"
#include "cli/option_flags.h"
#include "formats/model_folder.h"
#include "jobs/options/tool_options.h"
#include "tokenizers/tokenizer.h"

namespace lq::cli {
namespace {

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

void run(Session& session, const TokenizeOptions& o) {
  const auto tokenizer = Tokenizer::load(model_folder(o.tokenizer));
  std::ifstream file;
  if (!o.file.empty()) {
    file.open(o.file, std::ios::binary);
    LQ_CHECK(file.is_open(), kNotFound, "{}: cannot be read", o.file.string());
  }
  std::istream& in = o.file.empty() ? std::cin : file;
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  std::string line;
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    session.context().stop.check();
    if (o.decode) {
      const std::string text = tokenizer->decode(parse_ids(line, number), false);
      session.print(text + "\n");
      lines.push_back(text);
      continue;
    }
    const auto ids = tokenizer->encode(line, o.special);
    if (o.pieces) {
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
  LQ_CHECK(!in.bad(), kIo, "{}: reading failed", o.file.empty() ? "standard input" : o.file.string());
  session.write_json(
      {{"tokenizer", tokenizer->kind()}, {"vocab_size", tokenizer->vocab_size()}, {"lines", lines}});
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  auto options = std::make_shared<TokenizeOptions>();
  auto* verb = app.add_subcommand("tokenize", "Token ids of a text, a line at a time, or the other way");
  verb->footer("Example: echo \"It was a cold evening\" | lqlora tokenize examples/models/quill");
  auto given = add_options(*verb, [&](OptionVisitor& v) { describe(v, *options); });
  verb->callback(
      [options, given, &action] { action = [options](Session& session) { run(session, *options); }; });
}

}  // namespace lq::cli
