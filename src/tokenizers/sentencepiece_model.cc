#include "tokenizers/sentencepiece_model.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "tokenizers/protobuf.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

SentencePieceFile::Piece read_piece(std::string_view bytes, std::size_t index, const std::string& who) {
  SentencePieceFile::Piece piece;
  ProtobufReader reader(bytes, who);
  while (reader.next()) {
    if (reader.field() == 1) piece.text = reader.bytes();
    if (reader.field() == 2) piece.score = reader.float32();
    if (reader.field() == 3) {
      const std::uint64_t type = reader.varint();
      LQ_CHECK(type >= 1 && type <= 6, kCorruptFile, "{}: piece {} has type {}, should be 1 to 6", who, index,
               type);
      piece.type = static_cast<PieceType>(type);
    }
  }
  LQ_CHECK(!piece.text.empty(), kCorruptFile, "{}: piece {} is empty", who, index);
  LQ_CHECK(utf8::is_valid(piece.text), kCorruptFile, "{}: piece {} is not UTF-8", who, index);
  LQ_CHECK(!std::isnan(piece.score), kCorruptFile, "{}: the score of piece {} is not a number", who, index);
  return piece;
}

struct Ids {
  std::int64_t bos = 1, eos = 2, pad = -1;  // sentencepiece's defaults
};

void read_trainer(std::string_view bytes, SentencePieceFile& out, Ids& ids, const std::string& who) {
  ProtobufReader reader(bytes, who);
  const auto id = [&] { return static_cast<std::int64_t>(static_cast<std::int32_t>(reader.varint())); };
  while (reader.next()) {
    switch (reader.field()) {
      case 3: {
        const std::uint64_t type = reader.varint();
        LQ_CHECK(type == 1 || type == 2, kUnsupported, "{}: model type {} (expected 1, unigram, or 2, BPE)",
                 who, type);
        out.kind = type == 1 ? SentencePieceFile::Kind::kUnigram : SentencePieceFile::Kind::kBpe;
        break;
      }
      case 24:
        out.whitespace_as_suffix = reader.varint() != 0;
        break;
      case 35:
        out.byte_fallback = reader.varint() != 0;
        break;
      case 41:
        ids.bos = id();
        break;
      case 42:
        ids.eos = id();
        break;
      case 43:
        ids.pad = id();
        break;
      case 44:
        out.unk_surface = utf8::repair(reader.bytes());
        break;
      default:
        break;
    }
  }
}

void read_normalizer(std::string_view bytes, SentencePieceFile& out, const std::string& who) {
  ProtobufReader reader(bytes, who);
  while (reader.next()) {
    if (reader.field() == 2) out.charsmap = reader.bytes();
    if (reader.field() == 3) out.add_dummy_prefix = reader.varint() != 0;
    if (reader.field() == 4) out.remove_extra_whitespaces = reader.varint() != 0;
    if (reader.field() == 5) out.escape_whitespaces = reader.varint() != 0;
  }
}

void check_pieces(SentencePieceFile& file, const std::string& who) {
  LQ_CHECK(!file.pieces.empty(), kCorruptFile, "{}: no pieces: not a SentencePiece model, or cut off", who);
  std::unordered_map<std::string_view, std::size_t> seen;
  std::fill(std::begin(file.byte_ids), std::end(file.byte_ids), -1);
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    const auto& piece = file.pieces[i];
    const auto [it, fresh] = seen.emplace(piece.text, i);
    LQ_CHECK(fresh, kCorruptFile, "{}: '{}' is piece {} and piece {}", who, piece.text, it->second, i);
    if (piece.type == PieceType::kUnknown) {
      LQ_CHECK(file.unk_id < 0, kCorruptFile, "{}: pieces {} and {} both are of type unknown", who,
               file.unk_id, i);
      file.unk_id = static_cast<std::int32_t>(i);
    }
    if (piece.type != PieceType::kByte) continue;
    bool found = false;
    for (int b = 0; b < 256 && !found; ++b) {
      if (piece.text != fmt::format("<0x{:02X}>", b)) continue;
      file.byte_ids[b] = static_cast<std::int32_t>(i);
      found = true;
    }
    LQ_CHECK(found, kCorruptFile, "{}: byte piece {} is '{}', should be like <0x0A>", who, i, piece.text);
  }
  LQ_CHECK(file.unk_id >= 0, kCorruptFile, "{}: no piece of type unknown among {}", who, file.pieces.size());
  for (int b = 0; b < 256 && file.byte_fallback; ++b) {
    LQ_CHECK(file.byte_ids[b] >= 0, kCorruptFile,
             "{}: byte_fallback is on, but the piece <0x{:02X}> is missing", who, b);
  }
}

}  // namespace

SentencePieceFile read_sentencepiece(std::string_view bytes, const std::string& who) {
  SentencePieceFile out;
  Ids ids;
  ProtobufReader reader(bytes, who);
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        out.pieces.push_back(read_piece(reader.bytes(), out.pieces.size(), who));
        break;
      case 2:
        read_trainer(reader.bytes(), out, ids, who);
        break;
      case 3:
        read_normalizer(reader.bytes(), out, who);
        break;
      case 5: {
        SentencePieceFile back;
        read_normalizer(reader.bytes(), back, who);
        out.denormalizer_charsmap = back.charsmap;
        break;
      }
      default:
        break;  // self-test data
    }
  }
  check_pieces(out, who);
  const auto control = [&](std::int64_t id) -> std::optional<std::int32_t> {
    if (id < 0 || id >= static_cast<std::int64_t>(out.pieces.size())) return std::nullopt;
    if (out.pieces[static_cast<std::size_t>(id)].type != PieceType::kControl) return std::nullopt;
    return static_cast<std::int32_t>(id);
  };
  out.bos = control(ids.bos), out.eos = control(ids.eos), out.pad = control(ids.pad);
  return out;
}

bool looks_like_sentencepiece(std::string_view bytes) {
  // Field 1, bytes; then a short length; then field 1 again, the piece. tiktoken's lines begin with base64.
  return bytes.size() >= 3 && bytes[0] == '\x0A' && bytes[2] == '\x0A';
}

}  // namespace lq::tokenizers
