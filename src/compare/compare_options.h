// The options of compare, described (files/options/option.h).
#pragma once

#include <filesystem>

#include "files/options/option.h"

namespace lq {

struct CompareOptions {
  std::filesystem::path recipe, out;
  bool overwrite = false;
};

void describe(OptionVisitor& v, CompareOptions& o);

}  // namespace lq
