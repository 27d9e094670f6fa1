#include "tokenizers/protobuf.h"

#include <cstring>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

}  // namespace

std::uint64_t ProtobufReader::read_varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    LQ_CHECK(at_ < bytes_.size(), kCorruptFile, "{}: the file ends inside a number, at byte {}", who_, at_);
    const auto byte = static_cast<unsigned char>(bytes_[at_++]);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  fail(ErrorCode::kCorruptFile, "{}: a number of more than 10 bytes before byte {}", who_, at_);
}

bool ProtobufReader::next() {
  if (at_ == bytes_.size()) return false;
  const std::uint64_t key = read_varint();
  field_ = static_cast<std::uint32_t>(key >> 3);
  wire_ = static_cast<std::uint32_t>(key & 7);
  LQ_CHECK(field_ > 0 && key >> 3 <= 0x1FFFFFFF, kCorruptFile, "{}: field number {} before byte {}", who_,
           key >> 3, at_);
  if (wire_ == kVarint) {
    number_ = read_varint();
    return true;
  }
  LQ_CHECK(wire_ == kBytes || wire_ == kFixed32 || wire_ == kFixed64, kCorruptFile,
           "{}: field {} has wire type {}, not a SentencePiece model", who_, field_, wire_);
  const std::uint64_t size = wire_ == kBytes ? read_varint() : wire_ == kFixed32 ? 4 : 8;
  LQ_CHECK(size <= bytes_.size() - at_, kCorruptFile, "{}: field {} says {} bytes, but {} are left", who_,
           field_, size, bytes_.size() - at_);
  payload_ = bytes_.substr(at_, static_cast<std::size_t>(size));
  at_ += static_cast<std::size_t>(size);
  return true;
}

std::uint64_t ProtobufReader::varint() const {
  LQ_CHECK(wire_ == kVarint, kCorruptFile, "{}: field {} should be a number", who_, field_);
  return number_;
}

float ProtobufReader::float32() const {
  LQ_CHECK(wire_ == kFixed32, kCorruptFile, "{}: field {} should be a 32-bit float", who_, field_);
  float value;
  std::memcpy(&value, payload_.data(), 4);
  return value;
}

std::string_view ProtobufReader::bytes() const {
  LQ_CHECK(wire_ == kBytes, kCorruptFile, "{}: field {} should be bytes", who_, field_);
  return payload_;
}

}  // namespace lq::tokenizers
