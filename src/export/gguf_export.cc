#include "export/gguf_export.h"

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/version.h"
#include "export/packed_adapter.h"
#include "files/job.h"
#include "formats/gguf/gguf_pooling.h"
#include "formats/gguf/gguf_vocabulary.h"

namespace lq {
namespace {

using ggml::GgmlType;

// general.file_type, llama.cpp's number for what most matrices are.
std::uint32_t file_type_of(GgmlType type) {
  switch (type) {
    case GgmlType::kF16:
      return 1;
    case GgmlType::kQ4_0:
      return 2;
    case GgmlType::kQ4_1:
      return 3;
    case GgmlType::kQ8_0:
      return 7;
    case GgmlType::kQ5_0:
      return 8;
    case GgmlType::kQ5_1:
      return 9;
    case GgmlType::kQ2_K:
      return 10;
    case GgmlType::kQ3_K:
      return 11;
    case GgmlType::kQ4_K:
      return 14;
    case GgmlType::kQ5_K:
      return 16;
    case GgmlType::kQ6_K:
      return 18;
    case GgmlType::kIq4Nl:
      return 25;
    case GgmlType::kIq4Xs:
      return 30;
    case GgmlType::kBf16:
      return 32;
    default:
      return 0;
  }
}

constexpr std::uint32_t kQuantizationVersion = 2;  // of ggml's blocks

std::string name_of_model(const std::filesystem::path& path) {
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  const std::string name =
      whole.has_filename() ? whole.stem().string() : whole.parent_path().filename().string();
  return name.empty() ? "model" : name;
}

GgufKeys keys_of(const GgufSource& source, const Checkpoint& model, const GgufExportOptions& options,
                 Progress& progress) {
  GgufKeys keys;
  keys.text("general.architecture", source.architecture().kind());
  keys.text("general.type", "model");
  keys.text("general.name", options.name.empty() ? name_of_model(model.path()) : options.name);
  source.architecture().add_keys(keys);
  if (source.architecture().spec().encoder())
    add_gguf_pooling(model.folder(), source.architecture().kind(), keys);
  keys.u32("general.file_type", file_type_of(source.most_used()));
  keys.u32("general.quantization_version", kQuantizationVersion);
  const GgufVocabularyOptions vocabulary = {.rows = source.architecture().spec().vocab,
                                            .pre = options.pre_tokenizer};
  for (const std::string& note : add_gguf_tokenizer(model.folder(), model.config(), vocabulary, keys)) {
    progress.note(fmt::format("export: {}", note));
  }
  return keys;
}

// Of Q4_0, Q8_0 and their like, which stand in for the blocks of 256.
constexpr std::int64_t kSmallestBlock = 32;

// The matrices of a stack are one tensor.
std::vector<GgufSpec> specs_of(const std::vector<GgufRows>& tensors) {
  std::vector<GgufSpec> specs;
  std::set<std::string_view> stacks;
  for (const GgufRows& t : tensors) {
    if (t.stack > 0) {
      if (stacks.insert(t.name).second) specs.push_back({t.name, t.type, {t.stack, t.rows, t.cols}});
      continue;
    }
    const bool vector = t.rows == 1 || t.cols == 1;
    specs.push_back({t.name, t.type, vector ? Shape{t.rows * t.cols} : Shape{t.rows, t.cols}});
  }
  return specs;
}

std::filesystem::path adapter_path(const GgufExportOptions& o, const Checkpoint& model) {
  return o.adapter.value_or(model.directory() / "adapter");
}

bool has_adapter(const GgufExportOptions& o, const Checkpoint& model) {
  if (o.without_adapter) return false;
  return o.adapter || (model.is_packed() && std::filesystem::exists(adapter_path(o, model)));
}

}  // namespace

nlohmann::ordered_json to_json(const GgufExportReport& r) {
  return {{"tensors", r.tensors},
          {"adapted", r.adapted},
          {"replaced", r.replaced},
          {"rounding_error", r.rounding_error},
          {"output_bytes", r.output_bytes}};
}

void check_gguf_output(const Checkpoint& model, std::span<const TensorView* const> matrices) {
  const GgufArchitecture architecture(model.config(), model.path().string());
  GgufKeys keys;
  architecture.add_keys(keys);
  add_gguf_tokenizer(model.folder(), model.config(), {.rows = architecture.spec().vocab, .pre = {}}, keys);
  for (const TensorView* matrix : matrices) {
    const std::int64_t cols = matrix->shape()[1];
    LQ_CHECK(cols % kSmallestBlock == 0, kUnsupported,
             "{}: {} has rows of {} weights, and the smallest of ggml's blocks holds {}",
             model.path().string(), matrix->name(), cols, kSmallestBlock);
  }
}

GgufExportReport write_gguf_model(Context& context, const CheckpointPtr& model,
                                  const PeftAdapterReader* adapter, const GgufExportOptions& options) {
  const PackedCheckpoint packed = packed_or_dense(context, model);
  const GgufSource source(packed, adapter, options.types);
  const GgufKeys keys = keys_of(source, *model, options, context.progress);
  if (!source.left_out().empty()) {
    context.progress.note(fmt::format("export: {} tensors, such as {}, are none of the model's: left out",
                                      source.left_out().size(), source.left_out().front()));
  }
  std::int64_t total = 0;
  const std::vector<GgufSpec> specs = specs_of(source.tensors());
  for (const GgufRows& t : source.tensors()) total += t.rows * t.cols;
  GgufWriter writer(options.out, keys, specs);
  GgufExportReport report;
  report.tensors = std::ssize(specs);
  double squared_error = 0.0;
  double squared_norm = 0.0;
  std::int64_t done = 0;
  context.progress.begin("export", total, "weights");
  for (std::size_t i = 0; i < source.tensors().size(); ++i) {
    context.stop.check();
    const GgufSource::Written written = source.write(context, i, writer);
    report.adapted += written.adapted ? 1 : 0;
    report.replaced += written.replaced ? 1 : 0;
    squared_error += written.squared_error;
    squared_norm += written.squared_norm;
    done += source.tensors()[i].rows * source.tensors()[i].cols;
    context.progress.update(done, source.tensors()[i].name);
  }
  context.progress.end();
  writer.finish();
  report.rounding_error = squared_norm > 0.0 ? std::sqrt(squared_error / squared_norm) : 0.0;
  report.output_bytes = static_cast<std::int64_t>(std::filesystem::file_size(options.out));
  return report;
}

GgufExportReport export_gguf(Context& context, const CheckpointPtr& model, const GgufExportOptions& options) {
  const PackedCheckpoint packed = packed_or_dense(context, model);
  std::unique_ptr<PeftAdapterReader> adapter;
  JobOptions job_options;
  job_options.output = JobOutput::kFile;
  job_options.inputs = {model->path()};
  job_options.overwrite = true;  // nothing is kept of an export that was stopped
  job_options.kind = "GGUF file";
  job_options.is_kind = is_gguf;
  if (has_adapter(options, *model)) {
    adapter = open_packed_adapter(packed, adapter_path(options, *model));
    job_options.inputs.push_back(adapter_path(options, *model));
  }
  job_options.job = {{"verb", "export"}, {"format", "gguf"}, {"version", kVersion}};
  Job output(options.out, job_options);
  GgufExportReport report = write_gguf_model(context, model, adapter.get(), options);
  output.finish();
  return report;
}

GgufExportReport export_gguf(Context& context, const GgufExportOptions& options) {
  return export_gguf(context, Checkpoint::open(options.model), options);
}

}  // namespace lq
