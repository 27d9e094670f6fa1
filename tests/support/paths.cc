#include "support/paths.h"

namespace lq::test {

std::string source_dir() { return LQ_SOURCE_DIR; }
std::string binary_dir() { return LQ_BINARY_DIR; }

}  // namespace lq::test
