// The whole job of `lqlora finetune`: model, data, low-rank parts, training, and an adapter (or, where all of
// a dense model learns, a model) in a folder that becomes visible whole.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "tensor/context.h"
#include "train/finetune_report.h"
#include "train/lora_setup.h"
#include "train/trainer.h"
#include "train/training_data.h"

namespace lq {

// Examples with labels, and what becomes of the model that has learnt them.
struct LabelledTask {
  LabelSpec labels;
  std::vector<std::string> label_names = {};  // of classes; empty: by their numbers
  ExampleSet examples;
  // Called before the output becomes visible, with the folder that it lies in until then: what it returns
  // stands in the report as "task".
  std::function<nlohmann::ordered_json(Context&, Model&, const std::filesystem::path&)> finish = {};
};

struct FinetuneOptions {
  std::filesystem::path model;  // for the overload that opens it
  std::filesystem::path out;
  // A task of GLUE, of which `data` names the folder of files; jobs/finetune_task.h reads them. Empty: none.
  std::string task = {};
  std::int64_t task_examples = 0;      // at most so many of its training file's first ones; 0: all
  std::filesystem::path adapter = {};  // to start from; empty: MODEL/adapter of a packed model
  // A model of the same vocabulary, whose predictions are learnt in place of the text: the loss is
  // KL(reference || model). Empty: none.
  std::filesystem::path reference = {};
  // All parameters of a dense model learn, and `out` becomes a model; `lora` stays unused.
  bool full = false;
  bool overwrite = false;  // discard what another job of ours left in `out`

  TrainingDataOptions data = {};
  LoraOptions lora = {};
  TrainOptions train = {};
  bool choose_precision = false;   // train.precision by the device, where it is the processor's int16
  bool choose_activations = true;  // train.activations by the memory there is
  bool compress = false;           // the factors in NF8 at the end (compress_adapter.h)
};

// Into `out`: adapter_config.json, adapter_model.safetensors (with `full`: a dense Hugging Face model),
// log.jsonl, a TensorBoard event file, lqlora.json, and best/ with the adapter (model) of the best
// validation. While it runs, checkpoints and logs lie in out/.work/store; the same call goes on from there.
// Throws Error(kInvalidArgument) naming what differs where `out` holds another job, Error(kIo) where another
// process works on it; and what reading, training and writing throw.
// task: an encoder learns its labels instead, with a head over sequences: the head's new parts are saved
// whole (PEFT's modules_to_save). REQUIRES: task where options.task is not empty. Throws Error(kUnsupported)
// for an encoder without a task, and a decoder with one; Error(kMismatch) for a reference of another
// vocabulary.
FinetuneReport finetune(Context& ctx, const CheckpointPtr& model, const FinetuneOptions& options,
                        const LabelledTask* task = nullptr);
// Opens options.model.
FinetuneReport finetune(Context& ctx, const FinetuneOptions& options);

}  // namespace lq
