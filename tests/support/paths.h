// Where this build's sources and programs are. Functions, not macros, so that a compiled test is the same in
// every checkout and a compiler cache can serve it.
#pragma once

#include <string>

namespace lq::test {

std::string source_dir();  // the checkout
std::string binary_dir();  // the build folder: lqlora and the test programs

}  // namespace lq::test
