// A model whose file is no Hugging Face directory (GGUF) as one: every tensor decoded, with config.json and
// the tokenizer that the file describes.
#pragma once

#include "export/hf_export.h"

namespace lq {

// Whether export_hf leaves the model to export_decoded.
bool is_decoded_by_export(const Checkpoint& model);

// Streams one tensor at a time. options.dtype: of the written matrices; unset: what holds each element
// exactly (F32 for ggml's blocks). Throws Error(kInvalidArgument) where an adapter is asked for: one is
// merged with the packed base that it was made for. REQUIRES: is_decoded_by_export(*model).
HfExportReport export_decoded(Context& context, const CheckpointPtr& model, const HfExportOptions& options);

}  // namespace lq
