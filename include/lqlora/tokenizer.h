// Text to token ids and back: Hugging Face tokenizer.json, SentencePiece, tiktoken and vocabulary files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lqlora {

// Cheap to copy. Thread-safe.
class Tokenizer {
 public:
  // path: a model directory or one of its tokenizer files. Throws Error(kNotFound, kCorruptFile,
  // kUnsupported) naming the file and what was expected in it.
  static Tokenizer load(const std::filesystem::path& path);

  // add_special: with BOS, EOS and the like, as the tokenizer adds them. The text of a special token inside
  // `text` is read as the file's own library reads it. Malformed UTF-8 counts as U+FFFD.
  std::vector<std::int32_t> encode(std::string_view text, bool add_special = true) const;
  // Valid UTF-8. Throws Error(kInvalidArgument) for an id outside [0, vocab_size()).
  std::string decode(std::span<const std::int32_t> ids, bool skip_special = true) const;

  std::int32_t vocab_size() const;
  std::string piece(std::int32_t id) const;  // as the file writes it; empty for an id that has none
  std::optional<std::int32_t> bos() const;
  std::optional<std::int32_t> eos() const;

  struct Impl;  // of the library
  const Impl& impl() const { return *impl_; }

 private:
  explicit Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lqlora
