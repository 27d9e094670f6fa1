// The few wire types of Protocol Buffers that a SentencePiece model uses: a reader over bytes in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lq::tokenizers {

class ProtobufReader {
 public:
  ProtobufReader(std::string_view bytes, const std::string& who) : bytes_(bytes), who_(who) {}

  // Goes to the next field; false at the end. Throws kCorruptFile where the bytes end inside one, or for a
  // wire type that does not exist.
  bool next();
  std::uint32_t field() const { return field_; }

  // The value of the current field. Throws kCorruptFile where it has another wire type.
  std::uint64_t varint() const;
  float float32() const;
  std::string_view bytes() const;

 private:
  std::uint64_t read_varint();
  std::string_view bytes_;
  const std::string& who_;
  std::size_t at_ = 0;
  std::uint32_t field_ = 0;
  std::uint32_t wire_ = 0;
  std::uint64_t number_ = 0;
  std::string_view payload_;
};

}  // namespace lq::tokenizers
