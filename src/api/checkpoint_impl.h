// What is behind the public types: checkpoints.
#pragma once

#include "formats/checkpoint.h"
#include "lqlora/checkpoint.h"

namespace lqlora {

// Handed on as it is to every job and model.
struct Checkpoint::Impl {
  lq::CheckpointPtr checkpoint;
};

}  // namespace lqlora
