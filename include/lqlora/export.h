// Models and adapters for other programs.
#pragma once

#include <filesystem>

#include "lqlora/checkpoint.h"
#include "lqlora/context.h"

namespace lqlora {

struct ExportOptions {
  // The low-rank part, a PEFT adapter of the model. Empty: the model's own, where it has one.
  std::filesystem::path adapter = {};
  bool without_adapter = false;  // the packed matrices alone; excludes the other two
  bool keep_adapter = false;     // the adapter beside them instead of added to them
};

// A packed model as a dense Hugging Face directory that any program loads. Throws Error(kMismatch) for a
// dense model or an adapter of another base.
void export_dense(Context& context, const Checkpoint& packed, const std::filesystem::path& out,
                  const ExportOptions& options = {});

// An adapter that was fine-tuned on a packed model as a plain PEFT adapter for the dense model that was
// packed. dense: that model (its hash is checked), or empty: not looked at.
void export_adapter(Context& context, const Checkpoint& packed, const std::filesystem::path& adapter,
                    const std::filesystem::path& out, const std::filesystem::path& dense = {});

}  // namespace lqlora
