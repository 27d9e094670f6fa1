// What cuDNN on the processor accepts: attributes, tensors, operations and graphs.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "cudnn_descriptor.h"

namespace cudnn_on_cpu {

// What an attribute must be: its type and count; kinds: descriptors' kind.
struct Rule {
  int name, type;
  std::int64_t count;
  bool needed;
};
// Of every kind of descriptor.
const std::map<int, std::vector<Rule>>& rules();

// Bytes of one value of an attribute's type.
std::int64_t size_of(int type);

// Descriptors that were created and not destroyed.
extern std::set<const Descriptor*> alive;

// Checks a descriptor and all in it, and closes it. 0, or why not.
int finalize(Descriptor& d);

}  // namespace cudnn_on_cpu
