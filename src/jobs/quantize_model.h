// The main job: a dense model directory becomes packed matrices plus a low-rank adapter. Plans (see
// quantize_plan.h), then reads, decomposes and writes one matrix at a time; finished matrices are kept in
// OUT/.work, so that the same call after a kill goes on from there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "decompose/decompose.h"
#include "formats/checkpoint.h"
#include "jobs/quantize_plan.h"
#include "jobs/quantize_report.h"
#include "jobs/select_matrices.h"
#include "quant/format_set.h"
#include "quant/ggml/ggml_type.h"
#include "tensor/context.h"

namespace lq {

// The result as GGUF files instead of a packed directory: OUT/model.gguf, the base; and where there is a
// low-rank part, OUT/adapter.gguf for llama.cpp and OUT/adapter, PEFT's, for this program.
struct GgufOutput {
  bool given = false;                            // the format is then "ggml" alone
  ggml::GgmlType tables = ggml::GgmlType::kF16;  // of embedding and head
};

struct QuantizeOptions {
  std::filesystem::path model;  // for the overloads that open it: Hugging Face's, dense
  std::filesystem::path out;
  MatrixSelection selection;
  // Of every matrix without an entry in `choices`.
  QuantChoice choice = {"nf", "4,8,fp32,64,256"};
  std::map<std::string, QuantChoice> choices;  // by full tensor name; those of a budget are added
  std::map<std::string, std::int64_t> ranks;   // the same; a matrix without an entry gets decompose.rank
  RankChoices rank_choices = {};               // chosen(): `ranks` come from the budget, which counts factors
  ImportanceKind importance = ImportanceKind::kNone;
  CalibrationSource calibration;  // for `weights`
  BudgetOptions budget;           // mixed precision instead of `choice`
  FormatSet formats;              // that `choice`, or a budget's choices, are of
  QuantizerOptions quantizer;
  GgufOutput gguf = {};
  DecomposeOptions decompose;  // method, rank, iterations; its random stream is set per matrix
  double alpha = 0.0;          // of the adapter; 0: the rank, so that A = L2 and B = L1
  std::uint64_t max_shard_bytes = 5'000'000'000;
  bool overwrite = false;  // discard an output of ours that another job made
};

// What the run will need, known before it starts.
struct QuantizeNeed {
  std::int64_t matrices = 0;
  std::int64_t weights = 0;
  std::int64_t memory_bytes = 0;  // peak, about
  std::int64_t output_bytes = 0;
  std::int64_t disk_bytes = 0;  // while it runs: output and finished pieces
};

QuantizeNeed quantize_need(const Checkpoint& model, const QuantizeOptions& options, int threads);
// Opens options.model.
QuantizeNeed quantize_need(const QuantizeOptions& options, int threads);

// Throws Error: kInvalidArgument (a rank larger than a matrix, a NaN in a weight, an output that is not
// ours), kUnsupported, kIo, kInterrupted, and what the readers throw. On an error OUT/.work keeps what is
// finished. `model` is dense, and is hashed at most once, whatever stages there are.
QuantizeReport quantize_model(Context& context, const CheckpointPtr& model, const QuantizeOptions& options);
// Opens options.model.
QuantizeReport quantize_model(Context& context, const QuantizeOptions& options);

}  // namespace lq
