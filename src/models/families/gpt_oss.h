// gpt-oss: experts with biases and a gate that is cut off, sinks in attention, a window in every other layer.
#pragma once

#include <vector>

#include "models/registry.h"

namespace lq::families {

std::vector<ModelFamily> gpt_oss();

}  // namespace lq::families
