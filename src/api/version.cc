#include "base/version.h"

#include "lqlora/lqlora.h"

namespace lqlora {

std::string_view version() { return lq::kVersion; }

}  // namespace lqlora
