// TensorBoard event files: TFRecords (length, masked CRC-32C, bytes, masked CRC-32C) of Event messages
// (tensorflow/core/util/event.proto), scalars only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "files/file_descriptor.h"

namespace lq {

// CRC-32C (Castagnoli): polynomial 0x1EDC6F41, reflected.
std::uint32_t crc32c(const void* bytes, std::size_t size);

// One record as it stands in the file.
std::string tf_record(std::string_view bytes);
// Event messages.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value);

class EventFile {
 public:
  // A new file, replacing what was there. Throws Error(kIo).
  EventFile(const std::filesystem::path& path, double wall_time);
  // Appended at once, for those who look on.
  void scalar(double wall_time, std::int64_t step, std::string_view tag, double value);

 private:
  void write(std::string_view event);
  std::filesystem::path path_;
  FileDescriptor file_;
};

}  // namespace lq
