// What the library throws.
#pragma once

#include <stdexcept>
#include <string>

namespace lqlora {

enum class ErrorCode {
  kInvalidArgument,  // an option or an argument that cannot be
  kNotFound,         // a file, a tensor, a key that should be there
  kCorruptFile,      // bytes that contradict their own format
  kIo,               // the operating system refused: permission, full disk
  kUnsupported,      // well-formed, but not something this program does
  kMismatch,         // two things that do not belong together (shapes, hashes)
  kInterrupted,      // the caller asked to stop
  kInternal,         // a bug of ours
};

// what() is one line that names the file, tensor or option and what was expected. Besides this, functions of
// this library let std::bad_alloc through, and what callbacks of the caller throw.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace lqlora
