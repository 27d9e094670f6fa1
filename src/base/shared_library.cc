#include "base/shared_library.h"

#include <dlfcn.h>

#include <utility>

#include "base/error.h"

namespace lq {

SharedLibrary::SharedLibrary(std::string name, const std::string& purpose, const std::string& package)
    : name_(std::move(name)), library_(dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  LQ_CHECK(library_ != nullptr, kUnsupported, "{} needs {}, which this machine lacks (Debian: {})", purpose,
           name_, package);
}

void* SharedLibrary::address(const char* function_name) const {
  void* const found = dlsym(library_, function_name);
  LQ_CHECK(found != nullptr, kUnsupported, "this machine's {} has no {}", name_, function_name);
  return found;
}

}  // namespace lq
