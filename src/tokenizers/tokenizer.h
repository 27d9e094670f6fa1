// Text to token ids and back. One interface over four kinds of files:
//   tokenizer.json                     Hugging Face (BPE, Unigram, WordPiece)   = their `tokenizers`
//   tokenizer.model                    SentencePiece (BPE, Unigram)             = `sentencepiece`
//   tokenizer.model, *.tiktoken        tiktoken ranks (Llama 3)                 = `tiktoken`
//   vocab.json + merges.txt, vocab.txt GPT-2, Qwen2, RoBERTa; BERT              = `transformers`
// The ids equal those of the library named on the right, one by one.
//
// Invalid UTF-8: every maximal malformed part becomes one U+FFFD before anything else, which is what those
// libraries see after Python's bytes.decode("utf-8", errors="replace"); decoding does the same to the bytes
// that the tokens stand for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/folder.h"
#include "tokenizers/text_pair.h"

namespace lq::tokenizers {

// Tokens with a task. From tokenizer_config.json, special_tokens_map.json and the tokenizer file itself.
struct SpecialTokens {
  std::optional<std::int32_t> bos, eos, unk, pad;
  bool add_bos = false;  // what encode(text, add_special = true) does, where that is known to be BOS / EOS
  bool add_eos = false;
};

// What to do with the text of a special token ("<s>", "<|im_end|>") found inside the text to encode.
enum class SpecialText {
  // As the file's own library does: one id, except in a bare SentencePiece model (no tokenizer_config.json
  // beside it), where it is plain text.
  kAsFile,
  kParse,  // one id, always: for text that a chat template made
  kPlain,  // ordinary text, always: for text that a user typed
};

struct EncodeOptions {
  bool add_special = true;  // BOS, EOS, [CLS] ... as the file's post-processor says
  SpecialText special_text = SpecialText::kAsFile;
};

// All const members may be called from several threads at once.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // path: a model directory (the first found of tokenizer.json, tokenizer.model, vocab.json with merges.txt,
  // vocab.txt, one *.tiktoken) or one of these files; the small JSON files beside it are read too.
  // Throws kNotFound, kCorruptFile, kUnsupported: with the file named, and what was expected in it.
  static std::unique_ptr<Tokenizer> load(const std::filesystem::path& path);
  // Of a folder on disk as above; of one in memory its tokenizer.json, or else its tokenizer.model.
  static std::unique_ptr<Tokenizer> load(const Folder& folder);

  virtual std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options) const = 0;
  std::vector<std::int32_t> encode(std::string_view text, bool add_special) const {
    return encode(text, EncodeOptions{.add_special = add_special});
  }

  // Always valid UTF-8. skip_special leaves out BOS, EOS and the like. Throws kInvalidArgument for an id
  // outside [0, vocab_size()); ids inside that no token has (holes) give nothing.
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special) const = 0;

  // One more than the largest id, added tokens included. A model's embedding may have more rows, not fewer.
  virtual std::int32_t vocab_size() const = 0;
  // The token as the file writes it ("\u0120the", "<0x0A>"); empty where no token has this id.
  virtual std::string piece(std::int32_t id) const = 0;
  virtual std::optional<std::int32_t> id_of(std::string_view piece) const = 0;
  // Left out by decode(..., skip_special = true).
  virtual bool is_special(std::int32_t id) const = 0;

  // Whether the token takes the white space behind it (rstrip), which it does not decode to.
  virtual bool takes_space_behind(std::int32_t /*id*/) const { return false; }

  // What stands around one text: BOS and EOS where they are added, or what the file's post-processor says.
  virtual std::vector<TextPart> single_parts() const;
  // Around and between two texts; empty where the file does not say.
  virtual std::vector<TextPart> pair_parts() const { return {}; }

  const SpecialTokens& special() const { return special_; }
  std::optional<std::int32_t> bos_id() const { return special_.bos; }
  std::optional<std::int32_t> eos_id() const { return special_.eos; }
  // "BPE tokenizer.json", "SentencePiece unigram", ...: for people.
  const std::string& kind() const { return kind_; }

 protected:
  SpecialTokens special_;
  std::string kind_;
};

}  // namespace lq::tokenizers

// The names that the rest of the program uses.
namespace lq {
using tokenizers::EncodeOptions;
using tokenizers::SpecialText;
using tokenizers::Tokenizer;
}  // namespace lq
