#include "support/paths.h"

#include <cstdlib>

namespace lq::test {

// LQ_SOURCE_DIR of the environment: where the sources are on a machine that the programs were carried to.
std::string source_dir() {
  const char* const here = std::getenv("LQ_SOURCE_DIR");
  return here == nullptr || *here == 0 ? LQ_SOURCE_DIR : here;
}
std::string binary_dir() { return LQ_BINARY_DIR; }

}  // namespace lq::test
