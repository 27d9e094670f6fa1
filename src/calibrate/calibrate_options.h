// The options of calibrate, described (files/options/option.h): read by the command line. In the job they are
// what they lead to: the ids of the windows, and what is gathered.
#pragma once

#include "calibrate/calibrate.h"
#include "files/options/option.h"

namespace lq {

void describe(OptionVisitor& v, CalibrateOptions& o);

}  // namespace lq
