// An adapter of a packed model as a plain LoRA for the dense model that was packed (docs/method.md,
// "Afterwards").
//
// The packed model is W ~ Q + s0 B0 A0 (the decomposition) and after fine-tuning Q + s B A. What fine-tuning
// changed is
//   s B A - s0 B0 A0 = [s B, -s0 B0] [A; A0],
// exactly, of rank r + r0. On the dense weight it gives Q + s B A plus what the decomposition left of the
// weight, W - Q - s0 B0 A0: whoever loads it needs no packed model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "formats/checkpoint.h"
#include "tensor/context.h"

namespace lq {

struct PeftExportOptions {
  std::filesystem::path model;    // for the overload that opens both: packed by us
  std::filesystem::path adapter;  // fine-tuned on it
  // The dense model it was packed from: checked by its hash, named in adapter_config.json, and used to say
  // how far the two models are apart. Empty: not looked at. For the overload that opens both.
  std::filesystem::path base = {};
  std::filesystem::path out;
  bool overwrite = false;
};

struct PeftExportReport {
  std::int64_t modules = 0;
  std::int64_t rank = 0;      // the largest
  std::int64_t replaced = 0;  // whole weights (modules_to_save), handed on
  std::int64_t output_bytes = 0;
  // ||W - Q - s0 B0 A0||_F / ||W||_F over all packed matrices: what the dense model with this adapter differs
  // by from the packed model with its own. Unset: no base was given.
  std::optional<double> distance;
  bool already_done = false;
};

nlohmann::ordered_json to_json(const PeftExportReport& report);

// base: null where none is given. Streams one matrix at a time. Throws Error: kMismatch for a dense model, an
// adapter of another base or a base that is not the one that was packed (both hashes named); and what the
// readers and the output folder throw.
PeftExportReport export_peft(Context& context, const CheckpointPtr& model, const CheckpointPtr& base,
                             const PeftExportOptions& options);
// Opens options.model and options.base.
PeftExportReport export_peft(Context& context, const PeftExportOptions& options);

}  // namespace lq
