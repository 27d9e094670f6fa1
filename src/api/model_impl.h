// What is behind the public types: models.
#pragma once

#include "lqlora/model.h"
#include "models/model.h"

namespace lqlora {

struct Model::Impl {
  std::filesystem::path path;  // as the checkpoint was named
  lq::Model model;
};

}  // namespace lqlora
