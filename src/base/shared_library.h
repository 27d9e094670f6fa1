// A shared library that is opened while the program runs. What only a few verbs need, and brings many
// libraries of its own, is not linked in: it would cost every other verb its time to start.
#pragma once

#include <string>

namespace lq {

class SharedLibrary {
 public:
  // name: as the loader knows it ("libcurl.so.4"); purpose: who needs it, at the beginning of the error's
  // text; package: Debian's, which has it. Stays open until the program ends. Throws Error(kUnsupported)
  // where the machine lacks it.
  SharedLibrary(std::string name, const std::string& purpose, const std::string& package);

  // The function of that name. Throws Error(kUnsupported) where the library has none.
  template <typename Function>
  void find(const char* function_name, Function& function) const {
    function = reinterpret_cast<Function>(address(function_name));
  }

 private:
  void* address(const char* function_name) const;

  std::string name_;
  void* library_ = nullptr;
};

}  // namespace lq
