// The lock that a process holds on an output while it works on it. Its file says who holds it.
#pragma once

#include <filesystem>

#include "files/file_descriptor.h"

namespace lq {

// Movable; held (flock) while it lives, also by a process that is killed only until it is gone.
class OutputLock {
 public:
  OutputLock() = default;
  // Creates FILE and its folders and holds it. `out` is what messages name. Throws Error(kIo) where another
  // process holds it ("another process is writing it (pid 123)"), or it cannot be created.
  static OutputLock take(const std::filesystem::path& file, const std::filesystem::path& out);

  bool held() const { return file_.open(); }

 private:
  FileDescriptor file_;
};

}  // namespace lq
