#include "train/event_file.h"

#include <fcntl.h>

#include <array>
#include <bit>
#include <cstring>

namespace lq {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t x = i;
    for (int bit = 0; bit < 8; ++bit) x = (x >> 1) ^ ((x & 1) != 0 ? 0x82F63B78U : 0U);
    table[i] = x;
  }
  return table;
}

// A CRC stored among the bytes that it covers is masked, so that nested ones stay useful.
std::uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes.data(), bytes.size()), 15) + 0xA282EAD8U;
}

template <typename Number>
std::string little_endian(Number x) {
  std::string bytes(sizeof(x), '\0');
  for (std::size_t i = 0; i < sizeof(x); ++i) bytes[i] = static_cast<char>((x >> (8 * i)) & 0xFF);
  return bytes;
}

std::string varint(std::uint64_t x) {
  std::string bytes;
  for (; x >= 0x80; x >>= 7) bytes += static_cast<char>((x & 0x7F) | 0x80);
  return bytes + static_cast<char>(x);
}

// Protocol buffers: a field's key is its number and its kind.
std::string fixed64_field(unsigned number, double x) {
  return varint(number << 3 | 1) + little_endian(std::bit_cast<std::uint64_t>(x));
}
std::string fixed32_field(unsigned number, float x) {
  return varint(number << 3 | 5) + little_endian(std::bit_cast<std::uint32_t>(x));
}
std::string varint_field(unsigned number, std::int64_t x) {
  return varint(number << 3) + varint(static_cast<std::uint64_t>(x));
}
std::string bytes_field(unsigned number, std::string_view x) {
  return varint(number << 3 | 2) + varint(x.size()) + std::string(x);
}

}  // namespace

std::uint32_t crc32c(const void* bytes, std::size_t size) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_table();
  std::uint32_t x = ~0U;
  const auto* p = static_cast<const unsigned char*>(bytes);
  for (std::size_t i = 0; i < size; ++i) x = (x >> 8) ^ kTable[(x ^ p[i]) & 0xFF];
  return ~x;
}

std::string tf_record(std::string_view bytes) {
  const std::string length = little_endian(static_cast<std::uint64_t>(bytes.size()));
  return length + little_endian(masked_crc(length)) + std::string(bytes) + little_endian(masked_crc(bytes));
}

std::string version_event(double wall_time) {
  return fixed64_field(1, wall_time) + bytes_field(3, "brain.Event:2");
}

std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value) {
  const std::string scalar = bytes_field(1, tag) + fixed32_field(2, value);
  return fixed64_field(1, wall_time) + varint_field(2, step) + bytes_field(5, bytes_field(1, scalar));
}

EventFile::EventFile(const std::filesystem::path& path, double wall_time)
    : path_(path), file_(open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, "write")) {
  write(version_event(wall_time));
}

void EventFile::scalar(double wall_time, std::int64_t step, std::string_view tag, double value) {
  write(scalar_event(wall_time, step, tag, static_cast<float>(value)));
}

void EventFile::write(std::string_view event) {
  const std::string record = tf_record(event);
  write_all(file_, path_, record.data(), record.size());
}

}  // namespace lq
