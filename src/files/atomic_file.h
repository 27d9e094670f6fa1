// A file that appears under its name only when it is whole: written to `.NAME.partial` beside it, synced,
// renamed, and the directory synced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "files/file_descriptor.h"

namespace lq {

// Every failure of the system (no permission, full disk) is Error(kIo) with one line naming the final path
// and the reason. Not thread-safe. A path that exists and is no regular file (/dev/stdout, a pipe) is written
// directly; a symlink is followed, and the file it names replaced.
class AtomicFile {
 public:
  // Opens the temporary file. A stale one, left by a killed run, is taken over; one that another writer holds
  // is refused.
  explicit AtomicFile(std::filesystem::path path);
  // Without commit() the temporary file is removed and the old file under the name stays.
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Sets the final size and reserves the space, so that a full disk is refused now and not after hours.
  void reserve(std::uint64_t bytes);
  // Appends.
  void write(const void* bytes, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  // Writes anywhere. REQUIRES: a regular file.
  void write_at(std::uint64_t offset, const void* bytes, std::size_t size);
  // Syncs, renames, syncs the directory. Nothing can be written after.
  void commit();

 private:
  std::filesystem::path path_;     // as given, for messages
  std::filesystem::path target_;   // symlinks resolved
  std::filesystem::path partial_;  // empty: written directly
  FileDescriptor fd_;
};

// The whole of it at once.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);
// Copies a file's bytes, atomically.
void copy_file_atomically(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace lq
