// Reading tokenizer.json into an HfTokenizer.
#include "base/error.h"
#include "files/json_object.h"
#include "tokenizers/bpe.h"
#include "tokenizers/class_settings.h"
#include "tokenizers/hf_tokenizer.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/unigram.h"
#include "tokenizers/word_piece.h"

namespace lq::tokenizers {
namespace {

using Json = nlohmann::json;

// A part that may be large: the model itself, its vocabulary, its merges.
const Json& large_part(const Json& object, const char* key, const std::string& who) {
  const auto it = object.find(key);
  LQ_CHECK(it != object.end() && !it->is_null(), kCorruptFile, "{}: key '{}' is missing", who, key);
  return *it;
}

// The others of a model.
JsonObject settings_of(const Json& model, const std::string& who) {
  if (!model.is_object()) return JsonObject::record(model, who);  // refuses it
  Json settings = Json::object();
  for (const auto& [key, value] : model.items()) {
    if (key != "vocab" && key != "merges") settings[key] = value;
  }
  return JsonObject::record(settings, who);
}

Vocab read_vocab(const Json& model, const std::string& who) {
  const Json& object = large_part(model, "vocab", who);
  LQ_CHECK(object.is_object(), kCorruptFile, "{}: 'vocab' should be an object of pieces and ids, is {}", who,
           object.type_name());
  std::vector<std::pair<std::string, std::int64_t>> entries;
  entries.reserve(object.size());
  for (auto it = object.begin(); it != object.end(); ++it) {
    LQ_CHECK(it->is_number_integer(), kCorruptFile, "{}: the id of '{}' should be a whole number, is {}", who,
             it.key(), it->type_name());
    entries.emplace_back(it.key(), it->get<std::int64_t>());
  }
  Vocab vocab;
  vocab.build(std::move(entries), who);
  return vocab;
}

BpeModel::Merges read_merges(const Json& model, const std::string& who) {
  const Json& list = large_part(model, "merges", who);
  LQ_CHECK(list.is_array(), kCorruptFile, "{}: 'merges' should be a list, is {}", who, list.type_name());
  BpeModel::Merges merges;
  merges.reserve(list.size());
  for (const Json& item : list) {
    if (item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string()) {
      merges.emplace_back(item[0].get<std::string>(), item[1].get<std::string>());
      continue;
    }
    LQ_CHECK(item.is_string(), kCorruptFile, "{}: merge {} should be \"left right\" or [left, right], is {}",
             who, merges.size(), item.type_name());
    const auto& text = item.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    LQ_CHECK(space != std::string::npos && text.find(' ', space + 1) == std::string::npos, kCorruptFile,
             "{}: merge {} should be two pieces with one space between, is '{}'", who, merges.size(), text);
    merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return merges;
}

std::unique_ptr<WordModel> read_bpe(const Json& model, const JsonObject& settings, bool byte_level) {
  const std::string& who = settings.who();
  const double dropout = settings.number_or("dropout", 0.0);
  LQ_CHECK(dropout == 0.0, kUnsupported, "{}: BPE with dropout {} gives other ids each time", who, dropout);
  BpeOptions options;
  const std::string unk = settings.text_or("unk_token", "");
  if (!unk.empty()) options.unk = unk;
  options.prefix = settings.text_or("continuing_subword_prefix", "");
  options.suffix = settings.text_or("end_of_word_suffix", "");
  options.fuse_unk = settings.boolean_or("fuse_unk", false);
  options.byte_fallback = settings.boolean_or("byte_fallback", false);
  options.ignore_merges = settings.boolean_or("ignore_merges", false);
  options.byte_level = byte_level;
  return std::make_unique<BpeModel>(read_vocab(model, who), read_merges(model, who), options, who);
}

std::unique_ptr<WordModel> read_unigram(const Json& model, const JsonObject& settings) {
  const std::string& who = settings.who();
  const Json& list = large_part(model, "vocab", who);
  LQ_CHECK(list.is_array(), kCorruptFile, "{}: 'vocab' should be a list of [piece, score], is {}", who,
           list.type_name());
  std::vector<std::pair<std::string, std::int64_t>> entries;
  std::vector<double> scores;
  for (const Json& item : list) {
    LQ_CHECK(item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_number(), kCorruptFile,
             "{}: piece {} should be [piece, score]", who, entries.size());
    entries.emplace_back(item[0].get<std::string>(), static_cast<std::int64_t>(entries.size()));
    scores.push_back(item[1].get<double>());
  }
  std::optional<std::int32_t> unk;
  const std::int64_t unk_id = settings.integer_or("unk_id", -1, INT64_MIN, INT64_MAX);
  if (unk_id != -1) {
    LQ_CHECK(unk_id >= 0 && unk_id < static_cast<std::int64_t>(scores.size()), kCorruptFile,
             "{}: unk_id is {}, but there are {} pieces", who, unk_id, scores.size());
    unk = static_cast<std::int32_t>(unk_id);
  }
  Vocab vocab;
  vocab.build(std::move(entries), who);
  return std::make_unique<UnigramModel>(std::move(vocab), std::move(scores), unk,
                                        settings.boolean_or("byte_fallback", false), who);
}

// Files from before 2021 leave the type out.
std::string model_type(const Json& model, const JsonObject& settings) {
  const std::string type = settings.text_or("type", "");
  if (!type.empty()) return type;
  if (model.contains("merges")) return "BPE";
  if (settings.json().contains("unk_id")) return "Unigram";
  if (settings.json().contains("continuing_subword_prefix")) return "WordPiece";
  fail(ErrorCode::kCorruptFile, "{}: 'type' is missing (BPE, Unigram, WordPiece or WordLevel)",
       settings.who());
}

std::vector<AddedToken> read_added_tokens(const Json& root, const std::string& who) {
  std::vector<AddedToken> out;
  const auto it = root.find("added_tokens");
  if (it == root.end() || it->is_null()) return out;
  LQ_CHECK(it->is_array(), kCorruptFile, "{}: 'added_tokens' should be a list, is {}", who, it->type_name());
  for (const Json& item : *it) {
    const std::string place = fmt::format("{}: added_tokens[{}]", who, out.size());
    const JsonObject fields = JsonObject::record(item, place);
    AddedToken token = read_added_token(fields);
    token.id = static_cast<std::int32_t>(fields.integer("id", 0, INT32_MAX));
    out.push_back(std::move(token));
  }
  return out;
}

const Json& field_or_null(const Json& root, const char* key) {
  static const Json kNull;
  const auto it = root.find(key);
  return it == root.end() ? kNull : *it;
}

}  // namespace

std::unique_ptr<HfTokenizer> make_hf_tokenizer(std::string_view text, const TokenizerConfig& config,
                                               const std::string& who) {
  Json root = parse_tokenizer_json(text, who);
  LQ_CHECK(root.is_object(), kCorruptFile, "{}: should hold a JSON object, holds {}", who, root.type_name());
  apply_class_settings(root, config);
  const Json& model = large_part(root, "model", who);
  const std::string place = who + ": model";
  const JsonObject settings = settings_of(model, place);
  const std::string type = model_type(model, settings);
  HfParts parts;
  parts.kind = type + " tokenizer.json";
  parts.normalizer = make_normalizer(field_or_null(root, "normalizer"), who);
  parts.pre = make_pre_tokenizer(field_or_null(root, "pre_tokenizer"), type == "BPE", who);
  if (type == "BPE") {
    parts.model = read_bpe(model, settings, parts.pre.byte_level);
  } else if (type == "Unigram") {
    parts.model = read_unigram(model, settings);
  } else if (type == "WordPiece") {
    WordPieceOptions options;
    options.unk = settings.text_or("unk_token", options.unk);
    options.prefix = settings.text_or("continuing_subword_prefix", options.prefix);
    options.max_characters =
        settings.integer_or("max_input_chars_per_word", options.max_characters, INT64_MIN, INT64_MAX);
    parts.model = std::make_unique<WordPieceModel>(read_vocab(model, place), options, place);
  } else if (type == "WordLevel") {
    parts.model = std::make_unique<WordLevelModel>(read_vocab(model, place),
                                                   settings.text_or("unk_token", "<unk>"), place);
  } else {
    fail(ErrorCode::kUnsupported, "{}: type '{}' (BPE, Unigram, WordPiece or WordLevel)", place, type);
  }
  parts.decoder = make_decoder(field_or_null(root, "decoder"), who);
  parts.post = make_post_processor(field_or_null(root, "post_processor"), who);
  parts.added = read_added_tokens(root, who);
  // The post-processor of the file says what is added, whatever add_bos_token and add_eos_token say.
  TokenizerConfig named = config;
  named.add_bos.reset();
  named.add_eos.reset();
  return std::make_unique<HfTokenizer>(std::move(parts), named, who);
}

}  // namespace lq::tokenizers
