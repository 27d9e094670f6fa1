// Which model a verb computes with, and its description (files/options/option.h).
#pragma once

#include <filesystem>

#include "files/options/option.h"
#include "models/model.h"

namespace lq {

struct ModelSource {
  std::filesystem::path model;
  std::filesystem::path adapter = {};  // empty: MODEL/adapter of a packed model
  bool no_adapter = false;             // the packed matrices alone
  double lora_scale = 1.0;             // of what the adapter adds

  // Throws what Model::load throws.
  Model load(Context& context) const;
};

void describe(OptionVisitor& v, ModelSource& o);

}  // namespace lq
