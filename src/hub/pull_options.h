// The options of pull, described (files/options/option.h).
#pragma once

#include "files/options/option.h"
#include "hub/pull.h"

namespace lq::hub {

void describe(OptionVisitor& v, PullOptions& o);

}  // namespace lq::hub
