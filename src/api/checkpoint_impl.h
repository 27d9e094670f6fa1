// What is behind the public types: checkpoints.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "formats/checkpoint_reader.h"
#include "lqlora/checkpoint.h"

namespace lqlora {

struct Checkpoint::Impl {
  explicit Impl(const std::filesystem::path& path);

  std::filesystem::path path;
  lq::CheckpointReader reader;
  bool packed = false;
  std::mutex mutex;
  std::string hash;  // empty: not yet known
};

}  // namespace lqlora
