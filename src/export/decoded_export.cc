#include "export/decoded_export.h"

#include <nlohmann/json.hpp>

#include "base/option_error.h"
#include "base/version.h"
#include "export/export_options.h"
#include "export/rounding.h"
#include "files/job.h"
#include "formats/side_files.h"
#include "formats/stored_writer.h"

namespace lq {
namespace {

DType written_dtype(const TensorView& view, const HfExportOptions& options) {
  return view.shape().size() == 2 ? options.dtype.value_or(view.dtype()) : view.dtype();
}

std::string_view torch_name(DType dtype) {
  return dtype == DType::kF32 ? "float32" : dtype == DType::kBf16 ? "bfloat16" : "float16";
}

void write_tensors(Context& context, const Checkpoint& model, const HfExportOptions& options,
                   const std::filesystem::path& directory, HfExportReport& report) {
  const CheckpointReader& reader = model.reader();
  std::vector<TensorSpec> specs;
  std::int64_t total = 0;
  for (const TensorView& view : reader.tensors()) {
    specs.push_back({view.name(), written_dtype(view, options), view.shape()});
    total += view.numel();
  }
  ShardOptions shard;
  shard.max_shard_bytes = options.max_shard_bytes;
  StoredWriter writer(directory, model.config(), specs, shard);
  context.progress.begin("export", total, "weights");
  std::int64_t done = 0;
  Rounding rounding;
  for (const TensorView& view : reader.tensors()) {
    context.stop.check();
    if (written_dtype(view, options) == view.dtype()) {
      writer.write(view.name(), view.values());
    } else {
      writer.write(view.name(), rounded_to(context.pool, written_dtype(view, options),
                                           view.copy_f32(context.pool), view.name(), rounding));
    }
    if (view.shape().size() == 2) ++report.matrices;
    drop(view);
    done += view.numel();
    context.progress.update(done, view.name());
  }
  context.progress.end();
  writer.finish();
  report.rounding_error = rounding.relative();
}

}  // namespace

bool is_decoded_by_export(const Checkpoint& model) { return model.folder().in_memory(); }

HfExportReport export_decoded(Context& context, const CheckpointPtr& model, const HfExportOptions& options) {
  check_option(!options.adapter && !options.keep_adapter, options.keep_adapter ? "keep-adapter" : "adapter",
               "goes with a packed model, but {} is not packed", model->path().string());
  JobOptions job;
  job.job = job_identity(options, model->hash(context.pool, context.stop), nullptr);
  job.inputs = {model->path()};
  job.overwrite = options.overwrite;
  Job output(options.out, job);
  HfExportReport report;
  if (output.state() == JobState::kFinished) {
    const JsonObject before = JsonObject::load(options.out / "lqlora.json").section("report");
    report.matrices = before.count("matrices");
    report.rounding_error = before.number_or("rounding_error", 0.0, 0.0, 1e300);
    report.output_bytes = before.count("output_bytes");
    report.already_done = true;
    return report;
  }
  write_tensors(context, *model, options, output.final_dir(), report);
  copy_side_files(model->folder(), output.final_dir());
  JsonObject config = model->config();
  if (options.dtype) config.json()["dtype"] = torch_name(*options.dtype);
  config.save(output.final_dir() / "config.json");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(output.final_dir())) {
    if (entry.is_regular_file()) report.output_bytes += static_cast<std::int64_t>(entry.file_size());
  }
  output.finish(
      {{"lqlora", kVersion}, {"source", model->path().filename().string()}, {"report", to_json(report)}});
  return report;
}

}  // namespace lq
