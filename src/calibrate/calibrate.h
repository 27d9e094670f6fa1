// Statistics of every linear layer in a model's blocks over a calibration text: Fisher, input moments,
// output- gradient moments (calibration_stats.h says what exactly). Written as one file
// (docs/formats/stats.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/calibration_windows.h"
#include "formats/checkpoint.h"
#include "models/model.h"
#include "tensor/context.h"

namespace lq {

struct CalibrateOptions {
  std::filesystem::path model;              // for the overload that opens it
  std::vector<std::filesystem::path> data;  // files or folders of text, as data/document_reader.h reads them
  std::string field = "text";               // of a record that holds its text
  // So many sequences that the model samples itself (calibrate/self_samples.h), instead of `data`. 0: none.
  std::int64_t self = 0;
  // "task": the gradients of a task's loss instead of a text's; `data` names the folder of its files
  // (jobs/calibrate_task.h reads them).
  std::string task = {};
  std::optional<bool> loss_of_task = {};  // what `loss` says; has to fit `task`
  std::filesystem::path out;              // the statistics file
  std::filesystem::path work;             // for what is finished so far; empty: OUT.work

  // Windows of seq_len tokens (BOS included, where the tokenizer adds one), without overlap; `samples` of
  // them, spread evenly over the text, of which at most 16 times what is needed is read. Fewer windows than
  // that: all of them.
  std::int64_t samples = 256;
  std::int64_t seq_len = 0;  // 0: 512, or the model's context where that is shorter
  // This share of the windows, spread evenly, goes into the held-out input moments and nothing else. At least
  // one window where there are two, none where 0.
  double hold_out = 0.125;

  bool fisher = true;        // row and column means
  bool full_fisher = false;  // also F itself
  bool input_moment = true;
  bool output_grad_moment = true;
  // Input moments that count each position by its gradient. Always where input_moment and output_grad_moment
  // are both gathered; this: also with output_grad_moment alone.
  bool weighted_input_moment = false;
  std::vector<std::string>
      modules;  // only these (with or without ".weight"); empty: all linears of the blocks

  // How it is computed; the result does not depend on these.
  std::int64_t memory_bytes = 0;     // to stay within, where possible; 0: 3/4 of what is free now
  std::int64_t blocks_at_once = 0;   // blocks whose sums are in memory together; 0: as many as fit
  double save_every_seconds = 60.0;  // partial sums go to `work` this often
};

struct CalibrateNeed {
  std::int64_t sequences = 0, held_out = 0;  // windows
  std::int64_t seq_len = 0;
  std::int64_t modules = 0;
  std::int64_t blocks_at_once = 0;
  bool boundaries_on_disk = false;
  std::int64_t memory_bytes = 0;  // peak, the model included
  std::int64_t disk_bytes = 0;    // peak in `work`
  std::int64_t output_bytes = 0;
};

struct CalibrateReport {
  CalibrateNeed need;
  std::string model_hash, job_hash;
  double mean_loss = 0.0;           // nats a predicted token
  std::int64_t tokens = 0;          // predicted, in sequences that are not held out
  std::vector<std::string> silent;  // modules whose gathered statistics are all zero: kept as they are
  bool already_done = false;        // OUT held the same job's result
  std::int64_t resumed_blocks = 0;  // finished by an earlier, interrupted run
  double seconds = 0.0;
  std::int64_t peak_rss_bytes = 0;
};

// Gathers and writes. The need goes to ctx.progress.note() before the work starts. The same bytes on any
// number of threads, whatever the memory, and whether interrupted or not: run again with the same options, it
// goes on from `work`, which is removed at the end. Where OUT is the result of the same job, nothing is
// computed. A text that the model samples itself (self) lies in `work` too, batch by batch.
// Throws Error(kInvalidArgument) for neither or both of data and self, a text too short for one window,
// impossible options, activations or gradients that are not finite (naming the layer and the window);
// Error(kNotFound) for a module that the model lacks; Error(kUnsupported) for an encoder's own samples;
// and what loading the model, its tokenizer and the text throws. The model may be dense or packed; an
// adapter beside it is not used. An encoder's loss is that of hidden tokens (masked_windows). task: its
// examples and their loss instead; the model's head over sequences, or a fresh one. REQUIRES: task where
// options.task is not empty.
CalibrateReport calibrate(Context& ctx, const CheckpointPtr& model, const CalibrateOptions& options,
                          const TaskSequences* task = nullptr);
// Opens options.model.
CalibrateReport calibrate(Context& ctx, const CalibrateOptions& options);

}  // namespace lq
