#include "jobs/finetune_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/option_error.h"
#include "data/labelled_text.h"
#include "eval/label_outputs.h"
#include "eval/tasks/glue_files.h"
#include "files/atomic_file.h"
#include "models/registry.h"
#include "ops/lengths.h"
#include "tokenizers/tokenizer.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

// Encodes a file's texts and notes what was cut or left out.
class TaskReader {
 public:
  TaskReader(Context& ctx, const CheckpointPtr& model, std::int64_t max_length, const LabelOrder& order)
      : ctx_(ctx), tokenizer_(Tokenizer::load(model->folder())), max_length_(max_length), order_(order) {}

  std::vector<EncodedExample> encode(const GlueTexts& texts, ExampleSet* counted) const {
    LabelledExamples encoded = encode_labelled(*tokenizer_, texts.texts, max_length_);
    if (encoded.truncated > 0) {
      ctx_.progress.note(fmt::format(
          "{}: {} of {} examples are longer than {} tokens and were cut by {} in all, the longer text first "
          "(first: {})",
          texts.file.string(), encoded.truncated, texts.texts.size(), max_length_, encoded.cut_tokens,
          encoded.first_truncated));
    }
    if (texts.short_rows > 0) {
      ctx_.progress.note(fmt::format("{}: {} rows have too few columns and were left out (first: {})",
                                     texts.file.string(), texts.short_rows, texts.first_short));
    }
    if (texts.long_rows > 0) {
      ctx_.progress.note(
          fmt::format("{}: {} rows have more columns than the header, whose names they were read by "
                      "(first: {})",
                      texts.file.string(), texts.long_rows, texts.first_long));
    }
    if (texts.malformed_rows > 0) {
      ctx_.progress.note(
          fmt::format("{}: {} rows are not UTF-8; each malformed part becomes U+FFFD (first: {})",
                      texts.file.string(), texts.malformed_rows, texts.first_malformed));
    }
    if (counted != nullptr) {
      counted->truncated += encoded.truncated;
      counted->bad += texts.short_rows;
      for (const EncodedExample& e : encoded.examples) {
        counted->tokens += std::ssize(e.ids);
        ++counted->trained_tokens;
      }
    }
    for (EncodedExample& e : encoded.examples) {
      if (!e.label || order_.output_of.empty()) continue;
      e.label = static_cast<float>(order_.output_of[static_cast<std::size_t>(*e.label)]);
    }
    return std::move(encoded.examples);
  }

  TaskSet set_of(const GlueTask& task, std::string split, const GlueTexts& texts) const {
    TaskSet set{&task, std::move(split), texts.file, encode(texts, nullptr), {}, {}};
    for (const LabelledText& text : texts.texts) {
      set.indices.push_back(text.index);
      if (text.label) set.labels.push_back(*text.label);
    }
    LQ_CHECK(set.labels.empty() || set.labels.size() == set.indices.size(), kInvalidArgument,
             "{}: {} of {} examples have a label", texts.file.string(), set.labels.size(),
             set.indices.size());
    return set;
  }

 private:
  Context& ctx_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::int64_t max_length_;
  const LabelOrder& order_;
};

// Columns by the task's labels.
Tensor in_task_order(ThreadPool& pool, const LabelOrder& order, Tensor outputs) {
  if (order.output_of.empty()) return outputs;
  const ConstMatrix given = const_matrix_of(outputs);
  Tensor by_output = Tensor::empty(DType::kF32, {given.cols, given.rows});
  Tensor by_label = Tensor::empty(DType::kF32, {given.cols, given.rows});
  transpose(pool, given, matrix_of(by_output));
  for (std::size_t label = 0; label < order.output_of.size(); ++label) {
    const auto output = static_cast<std::int64_t>(order.output_of[label]);
    std::copy_n(const_matrix_of(by_output).row(output), given.rows,
                matrix_of(by_label).row(static_cast<std::int64_t>(label)));
  }
  transpose(pool, const_matrix_of(by_label), matrix_of(outputs));
  return outputs;
}

void check_task_options(const FinetuneOptions& o) {
  check_option(o.data.train.size() == 1 && o.data.train.front().weight == 1.0, "data",
               "names {} sources, but a task has one folder of files, or one file, and no weight",
               o.data.train.size());
  check_option(o.data.validation.size() <= 1, "val-data", "names {} files, but a task has one",
               o.data.validation.size());
  const ExampleSetOptions& e = o.data.examples;
  check_option(e.validation == 0.0, "val-share", "is {}, but a task has a validation file of its own",
               e.validation);
  // What only texts and conversations have.
  const std::pair<std::string_view, bool> given[] = {{"drop-long", e.drop_long},
                                                     {"skip-bad", e.records.skip_bad},
                                                     {"train-on", e.encode.train_on_all},
                                                     {"fields", !e.format.fields.empty()},
                                                     {"chat-template", !o.data.chat_template.empty()}};
  for (const auto& [option, is] : given) check_option(!is, option, "and `task` exclude each other");
}

// Correlations with what is all alike are not defined; as scores they are 0, which is said.
void note_undefined(Context& ctx, const TaskSet& set, ConstMatrix outputs) {
  if (!set.task->regression()) return;
  const auto one_value = [](std::span<const float> values) {
    return std::ranges::adjacent_find(values, std::not_equal_to{}) == values.end();
  };
  const bool alike = one_value({outputs.data, static_cast<std::size_t>(outputs.size())});
  const bool labels_alike = one_value(set.labels);
  if (!alike && !labels_alike) return;
  ctx.progress.note(
      fmt::format("{}: all {} are alike, so that pearson and spearman are not defined: they count as 0",
                  set.file.string(), alike ? "predictions" : "labels"));
}

// The other sets that a task's learner is scored on: MNLI's mismatched half, AX.
std::vector<const GlueTask*> tasks_beside(const GlueTask& task) {
  std::vector<const GlueTask*> all;
  for (const GlueTask& other : glue_tasks()) {
    if (other.learnt_from == task.name) all.push_back(&other);
  }
  return all;
}

}  // namespace

TaskData read_task_data(Context& ctx, const CheckpointPtr& model, const FinetuneOptions& o) {
  check_task_options(o);
  const ModelSpec spec = model_spec(model->config());
  LQ_CHECK(spec.encoder(), kUnsupported,
           "{}: task {} needs an encoder (such as BertModel or RobertaForMaskedLM), but this is a decoder",
           model->path().string(), o.task);
  TaskData data;
  data.task = &find_glue_task(o.task);
  const GlueTask& task = *data.task;
  const GlueTask& learnt = task.learnt_from.empty() ? task : find_glue_task(task.learnt_from);
  data.max_length = std::min(o.data.examples.max_length, spec.longest_sequence());
  data.order = label_order(learnt, model->config());
  if (!data.order.note.empty())
    ctx.progress.note(fmt::format("{}: {}", model->path().string(), data.order.note));
  const TaskReader reader(ctx, model, data.max_length, data.order);
  const fs::path& folder = o.data.train.front().path;

  const GlueTexts train = read_glue_split(learnt, folder, Split::kTrain, o.task_examples);
  check_glue_labels(learnt, train);
  data.labelled.labels = {task.outputs(), task.regression()};
  ExampleSet& set = data.labelled.examples;
  set.train = reader.encode(train, &set);
  set.weights.assign(set.train.size(), 1.0);

  const fs::path& held_out = o.data.validation.empty() ? folder : o.data.validation.front().path;
  const GlueTexts validation = read_glue_split(task, held_out, Split::kValidation);
  data.sets.push_back(reader.set_of(task, "validation", validation));
  LQ_CHECK(!data.sets.front().labels.empty(), kInvalidArgument, "{}: the validation examples have no labels",
           validation.file.string());
  set.validation = data.sets.front().examples;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return data;
  if (const auto test = find_glue_file(task, folder, Split::kTest)) {
    data.sets.push_back(reader.set_of(task, "test", read_glue_file(task, *test)));
  }
  for (const GlueTask* other : tasks_beside(task)) {
    for (const Split split : {Split::kValidation, Split::kTest}) {
      const auto file = find_glue_file(*other, folder, split);
      if (!file) continue;
      const std::string name(split == Split::kTest ? "test" : "validation");
      data.sets.push_back(reader.set_of(*other, name, read_glue_file(*other, *file)));
    }
  }
  return data;
}

nlohmann::ordered_json score_task(Context& ctx, const Model& model, const TaskData& data,
                                  const fs::path& predictions) {
  nlohmann::ordered_json report = {{"task", data.task->name},
                                   {"examples", data.labelled.examples.train.size()},
                                   {"truncated", data.labelled.examples.truncated},
                                   {"max_length", data.max_length}};
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  fs::create_directories(predictions);
  for (const TaskSet& set : data.sets) {
    const Tensor outputs = in_task_order(ctx.pool, data.order, label_outputs(ctx, model, set.examples));
    const ConstMatrix values = const_matrix_of(outputs);
    const bool own = set.task == data.task;
    if (!set.labels.empty()) {
      const std::string name = own ? set.split : std::string(set.task->name);
      report[name] = glue_scores(*set.task, values, set.labels);
      note_undefined(ctx, set, values);
    }
    // A test set's predictions are what the site wants; a validation set's are for looking at.
    const std::string file = set.split == "test" ? set.task->predictions_file()
                                                 : fmt::format("validation-{}", set.task->predictions_file());
    write_file_atomically(predictions / file, glue_predictions(*set.task, values, set.indices));
    files.push_back(file);
  }
  report["predictions"] = files;
  return report;
}

FinetuneReport finetune_task(Context& ctx, const CheckpointPtr& model, const FinetuneOptions& options) {
  TaskData data = read_task_data(ctx, model, options);
  LabelledTask task = data.labelled;
  task.label_names = data.order.names;
  task.finish = [&data](Context& context, Model& learnt, const fs::path& out) {
    return score_task(context, learnt, data, out / "predictions");
  };
  return finetune(ctx, model, options, &task);
}

FinetuneReport finetune_any(Context& ctx, const FinetuneOptions& options) {
  if (options.task.empty()) return finetune(ctx, options);
  return finetune_task(ctx, Checkpoint::open(options.model), options);
}

}  // namespace lq
