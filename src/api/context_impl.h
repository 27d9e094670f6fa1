// What is behind the public types: contexts.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "lqlora/context.h"
#include "tensor/context.h"

namespace lqlora {

struct Context::Impl {
  explicit Impl(const ContextOptions& options);

  lq::ThreadPool pool;
  std::unique_ptr<lq::Progress> progress;
  lq::Context context;
};

}  // namespace lqlora
