#include "export/hf_export.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/version.h"
#include "export/decoded_export.h"
#include "export/dense_parts.h"
#include "export/export_options.h"
#include "export/merge.h"
#include "export/packed_adapter.h"
#include "export/rounding.h"
#include "files/content_hash.h"
#include "files/job.h"
#include "formats/config_file.h"
#include "formats/module_name.h"
#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "formats/side_files.h"
#include "formats/stored_writer.h"

namespace lq {
namespace {

constexpr const char* kAdapterConfig = "adapter_config.json";

std::filesystem::path adapter_of(const HfExportOptions& o, const Checkpoint& model) {
  return o.adapter.value_or(model.directory() / "adapter");
}

std::unique_ptr<PeftAdapterReader> open_adapter(const HfExportOptions& o, const Checkpoint& model) {
  if (o.without_adapter) return nullptr;
  const auto path = adapter_of(o, model);
  if (!o.adapter && !std::filesystem::exists(path)) return nullptr;
  return open_packed_adapter(model.packed(), path);
}

// Null without an adapter.
nlohmann::json hash_of(const PeftAdapterReader* adapter, const HfExportOptions& o, const Checkpoint& model,
                       ThreadPool& pool) {
  if (adapter == nullptr) return {};
  return CheckpointReader(adapter_of(o, model) / "adapter_model.safetensors").model_hash(pool);
}

void write_pair(const LoraPair& pair, const std::string& module, PeftAdapterWriter& writer) {
  const Tensor a = pair.a.copy_f32();
  const Tensor b = pair.b.copy_f32();
  writer.write(module, a.data<float>(), b.data<float>());
  if (pair.magnitude) writer.write_magnitude(module, pair.magnitude->copy_f32().data<float>());
}

void write_kept_adapter(const PackedCheckpoint& packed, const PeftAdapterReader& adapter,
                        const std::string& base_hash, const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  const PeftNaming peft(packed, adapter.config());
  std::vector<LoraSpec> specs;
  for (const LoraPair& p : adapter.pairs()) {
    specs.push_back({peft(p.module), p.rank, p.in, p.out, p.alpha, p.magnitude.has_value()});
  }
  if (const LoraPair* p = adapter.embedding()) {
    specs.push_back({peft(p->module), p->rank, p->in, p->out, p->alpha, p->magnitude.has_value(), true});
  }
  PeftWriterOptions options;
  options.base_hash = base_hash;
  options.all_modules = peft(linear_modules(packed));
  options.all_tensors = peft(whole_tensors(packed));
  const std::vector<KeptTensor> kept = kept_tensors(packed, adapter);
  for (const KeptTensor& t : kept) options.replaced.push_back({peft(t.name), DType::kF32, t.view->shape()});
  options.saved_modules = saved_as_one(adapter.config(), options.replaced);
  PeftAdapterWriter writer(directory, peft_config(peft, adapter.config()), specs, options);
  for (const LoraPair& p : adapter.pairs()) write_pair(p, peft(p.module), writer);
  if (const LoraPair* p = adapter.embedding()) write_pair(*p, peft(p->module), writer);
  for (const KeptTensor& t : kept) writer.write_replaced(peft(t.name), t.view->copy_f32().data<float>());
  writer.finish();
}

// Of all written matrices; nothing where they differ.
std::optional<DType> matrix_dtype(const HfExportOptions& o,
                                  const std::map<std::string, PackedModule>& modules) {
  if (o.dtype) return o.dtype;
  std::optional<DType> common;
  for (const auto& [name, module] : modules) {
    if (common && *common != module.dtype) return std::nullopt;
    common = module.dtype;
  }
  return common;
}

// Transformers loads the weights as the type that config.json says. Where it says nothing, and no type was
// asked for, it stays so.
void name_dtype(JsonObject& config, const HfExportOptions& o,
                const std::map<std::string, PackedModule>& modules) {
  const std::optional<DType> dtype = matrix_dtype(o, modules);
  if (dtype && (o.dtype || names_weight_type(config.json()))) name_weight_type(config.json(), *dtype);
}

// Dense tensors first, then one packed matrix after the other.
void write_weights(Context& context, const PackedCheckpoint& packed, const PeftAdapterReader* adapter,
                   const HfExportOptions& options, DenseParts& dense, const std::filesystem::path& directory,
                   HfExportReport& report) {
  const auto& modules = packed.packed().modules;
  std::vector<TensorSpec> specs;
  for (DensePart& part : dense.parts) {
    if (!part.as_stored()) part.spec.dtype = options.dtype.value_or(part.spec.dtype);
    specs.push_back(part.spec);
  }
  std::int64_t total = 0;
  for (const auto& [name, module] : modules) {
    specs.push_back(
        {.name = name, .dtype = options.dtype.value_or(module.dtype), .shape = {module.rows, module.cols}});
    total += module.rows * module.cols;
  }
  ShardOptions shard;
  shard.max_shard_bytes = options.max_shard_bytes;
  StoredWriter writer(directory, packed.config(), specs, shard);
  for (const DensePart& part : dense.parts) {
    const std::string& name = part.spec.name;
    if (part.as_stored()) {
      writer.write(name, part.from->values());
      if (!dense.unties) drop(*part.from);
      continue;
    }
    Rounding of_part;
    writer.write(name, rounded_to(context.pool, part.spec.dtype, part.merged(context), name, of_part));
    if (part.replaced) ++report.replaced;
    if (part.pair != nullptr) ++report.adapted;
  }
  context.progress.begin("export", total, "weights");
  std::int64_t done = 0;
  Rounding rounding;
  for (const auto& [name, module] : modules) {
    context.stop.check();
    const PackedMatrix q = packed.matrix(name);
    Tensor w = Tensor::empty(DType::kF32, {module.rows, module.cols});
    q.dequantize(context.pool, w.mutable_data<float>());
    const LoraPair* pair = adapter != nullptr ? adapter->find(module_of(name)) : nullptr;
    if (pair != nullptr) {
      ++report.adapted;
      if (!options.keep_adapter) merge_low_rank(context, *pair, w);
    }
    writer.write(name, rounded_to(context.pool, options.dtype.value_or(module.dtype), w, name, rounding));
    done += w.numel();
    context.progress.update(done, name);
  }
  context.progress.end();
  writer.finish();
  report.rounding_error = rounding.relative();
}

}  // namespace

nlohmann::ordered_json to_json(const HfExportReport& r) {
  return {{"matrices", r.matrices},
          {"adapted", r.adapted},
          {"replaced", r.replaced},
          {"rounding_error", r.rounding_error},
          {"output_bytes", r.output_bytes}};
}

HfExportReport export_hf(Context& context, const HfExportOptions& options) {
  return export_hf(context, Checkpoint::open(options.model), options);
}

HfExportReport export_hf(Context& context, const CheckpointPtr& model, const HfExportOptions& options) {
  if (is_decoded_by_export(*model)) return export_decoded(context, model, options);
  const PackedCheckpoint& packed = model->packed();
  const auto adapter = open_adapter(options, *model);
  LQ_CHECK(!options.keep_adapter || adapter != nullptr, kNotFound,
           "`keep-adapter`: {} has no adapter/ (name one by `adapter`)", model->path().string());

  JobOptions job_options;
  job_options.job = job_identity(options, model->base_hash(context.pool),
                                 hash_of(adapter.get(), options, *model, context.pool));
  job_options.today = [](nlohmann::json old) {
    if (old.is_object()) old.emplace("adapter_hash", nullptr);  // once left out where there is none
    return old;
  };
  add_identity(job_options, "config_hash", model->config_hash());
  if (adapter != nullptr)
    add_identity(job_options, "adapter_config_hash",
                 content_hash(adapter_of(options, *model) / kAdapterConfig));
  job_options.inputs = {model->path()};
  job_options.overwrite = options.overwrite;
  Job output(options.out, job_options);
  HfExportReport report;
  const auto& modules = packed.packed().modules;
  report.matrices = static_cast<std::int64_t>(modules.size());
  if (output.state() == JobState::kFinished) {
    const JsonObject before = JsonObject::load(options.out / "lqlora.json").section("report");
    report.adapted = before.count("adapted");
    report.replaced = before.integer_or("replaced", 0, 0);
    report.rounding_error = before.number("rounding_error");
    report.output_bytes = before.count("output_bytes");
    report.already_done = true;
    return report;
  }

  DenseParts dense = dense_parts(packed, options.keep_adapter ? nullptr : adapter.get());
  write_weights(context, packed, adapter.get(), options, dense, output.final_dir(), report);
  copy_side_files(model->folder(), output.final_dir());
  if (options.keep_adapter) {
    const std::string base_hash = CheckpointReader(output.final_dir()).model_hash(context.pool, context.stop);
    write_kept_adapter(packed, *adapter, base_hash, output.final_dir() / "adapter");
  }
  JsonObject config = packed.config();
  config.json().erase("quantization_config");
  if (dense.unties) config.json()["tie_word_embeddings"] = false;
  name_dtype(config, options, modules);
  config.save(output.final_dir() / "config.json");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(output.final_dir())) {
    if (entry.is_regular_file()) report.output_bytes += static_cast<std::int64_t>(entry.file_size());
  }
  output.finish(
      {{"lqlora", kVersion}, {"source", model->path().filename().string()}, {"report", to_json(report)}});
  return report;
}

}  // namespace lq
