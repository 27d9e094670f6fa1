// `finetune --task`: a task of GLUE, learnt by an encoder with a head over sequences, scored by the task's
// metrics, with predictions as the benchmark's site takes them.
#pragma once

#include <string>
#include <vector>

#include "eval/tasks/glue.h"
#include "eval/tasks/label_order.h"
#include "formats/checkpoint.h"
#include "tensor/context.h"
#include "train/finetune.h"

namespace lq {

// One of a task's sets with its examples as the model reads them.
struct TaskSet {
  const GlueTask* task = nullptr;
  std::string split;  // "validation" or "test"
  std::filesystem::path file;
  std::vector<EncodedExample> examples;
  std::vector<float> labels;  // of all examples, in the task's order; empty where the file has none
  std::vector<std::string> indices;
};

// A task's examples, and what it is scored on.
struct TaskData {
  const GlueTask* task = nullptr;
  LabelledTask labelled;      // `finish` is open; labels by the classifier's outputs
  LabelOrder order = {};      // of these
  std::vector<TaskSet> sets;  // validation first; MNLI's other half and AX where their files are there
  std::int64_t max_length = 0;
};

// Reads options.data (one folder, or a training file with val-data beside it). Sequences are cut to
// data.examples.max_length or the model's positions, whichever is shorter; cut ones, and rows left out, are
// noted in ctx.progress. Throws Error(kUnsupported) for a decoder, Error(kInvalidArgument) for labels of one
// class only, and what reading throws.
TaskData read_task_data(Context& ctx, const CheckpointPtr& model, const FinetuneOptions& options);

// {"task": "rte", "examples": ..., "truncated": ..., "validation": {"accuracy": ..., "score": ...}, ...}:
// scores of every set that has labels by their names ("validation", "mnli-mm", "ax"), and the names of the
// files with predictions, which are written into `predictions`.
nlohmann::ordered_json score_task(Context& ctx, const Model& model, const TaskData& data,
                                  const std::filesystem::path& predictions);

// finetune() of options.task, whose output also holds predictions/TITLE.tsv.
FinetuneReport finetune_task(Context& ctx, const CheckpointPtr& model, const FinetuneOptions& options);

// finetune_task where a task is named, else finetune.
FinetuneReport finetune_any(Context& ctx, const FinetuneOptions& options);

}  // namespace lq
