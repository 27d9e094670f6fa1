#include "tokenizers/vocab_files.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizers/bpe.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/word_piece.h"

namespace lq::tokenizers {
namespace {

using Json = nlohmann::json;

// Calls visit(line, number) for each line, without its line end; number counts from 1.
template <typename Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    visit(line, number);
  }
}

Vocab read_vocab_json(std::string_view text, const std::string& who) {
  const Json object = parse_tokenizer_json(text, who);
  LQ_CHECK(object.is_object(), kCorruptFile, "{}: should be an object of pieces and ids, is {}", who,
           object.type_name());
  std::vector<std::pair<std::string, std::int64_t>> entries;
  for (const auto& [piece, id] : object.items()) {
    LQ_CHECK(id.is_number_integer(), kCorruptFile, "{}: the id of '{}' should be a whole number, is {}", who,
             piece, id.type_name());
    entries.emplace_back(piece, id.get<std::int64_t>());
  }
  Vocab vocab;
  vocab.build(std::move(entries), who);
  return vocab;
}

BpeModel::Merges read_merges_txt(std::string_view text, const std::string& who) {
  BpeModel::Merges merges;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (line.empty() || line.starts_with("#version")) return;
    const std::size_t space = line.find(' ');
    LQ_CHECK(space != std::string_view::npos && line.find(' ', space + 1) == std::string_view::npos,
             kCorruptFile, "{}: line {}: should be two pieces with one space between, is '{}'", who, number,
             line);
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  });
  return merges;
}

// What the classes of transformers add where no file says it.
void fill_defaults(TokenizerConfig& config, const Vocab& vocab) {
  const auto fill = [&](std::optional<std::string>& field, const char* name) {
    if (field || vocab.find(name) == Vocab::kNone) return;
    field = name;
    config.special.push_back({.content = name, .special = true});
  };
  const std::string& name = config.tokenizer_class;
  if (name.empty() || name == "GPT2Tokenizer") {
    fill(config.bos, "<|endoftext|>"), fill(config.eos, "<|endoftext|>"), fill(config.unk, "<|endoftext|>");
  } else if (name == "RobertaTokenizer" || name == "BartTokenizer") {
    fill(config.bos, "<s>"), fill(config.eos, "</s>"), fill(config.unk, "<unk>"), fill(config.pad, "<pad>");
  }
}

std::vector<AddedToken> special_of(const TokenizerConfig& config, const Vocab& vocab) {
  std::vector<AddedToken> out;
  for (AddedToken token : config.special) {
    token.id = vocab.find(token.content);
    const bool known =
        std::ranges::find(config.added, token.content, &AddedToken::content) != config.added.end();
    if (token.id != Vocab::kNone && !known) out.push_back(std::move(token));
  }
  return out;
}

}  // namespace

std::unique_ptr<HfTokenizer> make_vocab_merges_tokenizer(std::string_view vocab_text,
                                                         const std::string& vocab_who,
                                                         std::string_view merges_text,
                                                         const std::string& merges_who,
                                                         const TokenizerConfig& given) {
  TokenizerConfig config = given;
  const std::string& name = config.tokenizer_class;
  const bool qwen = name == "Qwen2Tokenizer";
  const bool roberta = name == "RobertaTokenizer" || name == "BartTokenizer";
  LQ_CHECK(name.empty() || name == "GPT2Tokenizer" || qwen || roberta, kUnsupported,
           "{}: tokenizer_class '{}' (expected GPT2Tokenizer, Qwen2Tokenizer, RobertaTokenizer or "
           "BartTokenizer beside "
           "vocab.json and merges.txt)",
           vocab_who, name);
  Vocab vocab = read_vocab_json(vocab_text, vocab_who);
  fill_defaults(config, vocab);
  HfParts parts;
  parts.kind = "BPE vocab.json + merges.txt";
  parts.added = special_of(config, vocab);
  if (roberta) {
    LQ_CHECK(config.bos && config.eos, kCorruptFile, "{}: {} needs <s> and </s> in the vocabulary", vocab_who,
             name);
    parts.post = roberta_post_processor(vocab.find(*config.bos), vocab.find(*config.eos));
    LQ_CHECK(parts.post.before[0] >= 0 && parts.post.after[0] >= 0, kCorruptFile,
             "{}: '{}' or '{}' is not in the vocabulary", vocab_who, *config.bos, *config.eos);
    for (AddedToken& token : parts.added) token.lstrip = token.content == "<mask>";
  }
  const bool prefix = config.add_prefix_space.value_or(false);
  Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", prefix}, {"use_regex", !qwen}};
  Json pre = byte_level;
  if (qwen) {
    const Json split = {{"type", "Split"}, {"pattern", {{"Regex", kQwen2Regex}}}, {"behavior", "Isolated"}};
    pre = {{"type", "Sequence"}, {"pretokenizers", {split, byte_level}}};
    parts.normalizer = make_normalizer({{"type", "NFC"}}, vocab_who);
  }
  parts.pre = make_pre_tokenizer(pre, true, vocab_who);
  parts.decoder = make_decoder({{"type", "ByteLevel"}}, vocab_who);
  BpeOptions options;
  options.byte_level = true;
  parts.model = std::make_unique<BpeModel>(std::move(vocab), read_merges_txt(merges_text, merges_who),
                                           options, merges_who);
  return std::make_unique<HfTokenizer>(std::move(parts), config, vocab_who);
}

std::unique_ptr<HfTokenizer> make_vocab_txt_tokenizer(std::string_view text, const std::string& who,
                                                      const TokenizerConfig& config) {
  std::vector<std::pair<std::string, std::int64_t>> entries;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    entries.emplace_back(line, static_cast<std::int64_t>(number) - 1);
  });
  LQ_CHECK(!entries.empty(), kCorruptFile, "{}: no pieces", who);
  Vocab vocab;
  vocab.build(std::move(entries), who);
  TokenizerConfig named = config;
  for (const char* name : {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}) {
    named.special.push_back({.content = name, .special = true});
  }
  HfParts parts;
  parts.kind = "WordPiece vocab.txt";
  parts.added = special_of(named, vocab);
  const std::int32_t cls = vocab.find("[CLS]"), sep = vocab.find("[SEP]");
  LQ_CHECK(cls != Vocab::kNone && sep != Vocab::kNone, kCorruptFile,
           "{}: [CLS] and [SEP] should be among the pieces", who);
  LQ_CHECK(vocab.find("[UNK]") != Vocab::kNone, kCorruptFile,
           "{}: the unknown token '[UNK]' is not in the vocabulary", who);
  parts.post = bert_post_processor(cls, sep);
  Json normalizer = {{"type", "BertNormalizer"},
                     {"lowercase", config.lower_case.value_or(true)},
                     {"handle_chinese_chars", config.cjk_characters.value_or(true)}};
  if (config.strip_accents) normalizer["strip_accents"] = *config.strip_accents;
  parts.normalizer = make_normalizer(normalizer, who);
  parts.pre = make_pre_tokenizer({{"type", "BertPreTokenizer"}}, false, who);
  parts.decoder = make_decoder({{"type", "WordPiece"}}, who);
  parts.model = std::make_unique<WordPieceModel>(std::move(vocab), WordPieceOptions{}, who);
  return std::make_unique<HfTokenizer>(std::move(parts), config, who);
}

}  // namespace lq::tokenizers
