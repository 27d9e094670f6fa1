// What a SentencePiece .model file holds (sentencepiece_model.proto: pieces, trainer_spec, normalizer_spec).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lq::tokenizers {

// What a space looks like in a piece.
inline constexpr std::string_view kVisibleSpace = "\u2581";

enum class PieceType : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct SentencePieceFile {
  struct Piece {
    std::string text;
    float score = 0.0F;
    PieceType type = PieceType::kNormal;
  };
  enum class Kind { kUnigram = 1, kBpe = 2 };

  std::vector<Piece> pieces;  // index = id
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  bool whitespace_as_suffix = false;
  std::string unk_surface = " \u2047 ";  // what an unknown token decodes to
  // Normalizer.
  std::string charsmap, denormalizer_charsmap;  // precompiled; empty: none
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;

  std::int32_t unk_id = -1;
  std::int32_t byte_ids[256];  // REQUIRES: byte_fallback
  std::optional<std::int32_t> bos, eos, pad;
};

// Throws kCorruptFile, kUnsupported (word and character models); who names the file. Checks what
// sentencepiece checks: one unknown piece, no piece twice, all 256 bytes where there is byte fallback.
SentencePieceFile read_sentencepiece(std::string_view bytes, const std::string& who);

// Whether bytes look like such a file rather than tiktoken's lines of text.
bool looks_like_sentencepiece(std::string_view bytes);

}  // namespace lq::tokenizers
