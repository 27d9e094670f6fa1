#include "export/gguf_lora.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/version.h"
#include "export/gguf_source.h"
#include "export/packed_adapter.h"
#include "files/job.h"
#include "formats/module_name.h"
#include "models/tied_embeddings.h"
#include "ops/host_math.h"
#include "ops/lengths.h"

namespace lq {
namespace {

using ggml::GgmlType;

// A tensor of the file with its values.
struct LoraTensor {
  GgufRows rows;
  Tensor values;  // [rows, cols] f32
};

GgmlType fitting_type(GgmlType wanted, std::int64_t cols) {
  return cols % ggml::type_info(wanted).weights == 0 ? wanted : GgmlType::kF16;
}

LoraTensor lora_tensor(std::string name, GgmlType wanted, Tensor values, std::int64_t head_dim = 0) {
  const std::int64_t cols = values.shape()[1];
  return {{std::move(name), fitting_type(wanted, cols), values.shape()[0], cols, head_dim},
          std::move(values)};
}

Tensor scaled(Context& context, Tensor values, double factor) {
  if (factor == 1.0) return values;
  divide(context.pool, const_matrix_of(values).flat(), static_cast<float>(1.0 / factor),
         span_of<float>(values));
  return values;
}

// A and B of one module. alpha: the file's.
void add_pair(Context& context, const LoraPair& pair, const std::string& name, std::int64_t head_dim,
              double alpha, GgmlType type, std::vector<LoraTensor>& all) {
  const double factor = pair.scaling / (alpha / static_cast<double>(pair.rank));
  all.push_back(lora_tensor(name + ".lora_a", type, pair.a.copy_f32()));
  all.push_back(lora_tensor(name + ".lora_b", type, scaled(context, pair.b.copy_f32(), factor), head_dim));
}

// An embedding's A has a row for each token in the file.
void add_embedding(Context& context, const LoraPair& pair, const std::string& name, double alpha,
                   GgmlType type, std::vector<LoraTensor>& all) {
  add_pair(context, pair, name, 0, alpha, type, all);
  LoraTensor& a = all[all.size() - 2];
  Tensor by_token = Tensor::empty(DType::kF32, {pair.in, pair.rank});
  transpose(context.pool, const_matrix_of(a.values), matrix_of(by_token));
  a = lora_tensor(a.rows.name, type, std::move(by_token));
}

void refuse_what_has_no_place(const PeftAdapterReader& adapter, const GgufArchitecture& model,
                              const std::string& who) {
  LQ_CHECK(!adapter.config().use_dora, kUnsupported,
           "{}: magnitudes (use_dora) have no place in a GGUF adapter; `format` gguf merges them", who);
  LQ_CHECK(adapter.replaced().empty(), kUnsupported,
           "{}: holds {} whole, which has no place in a GGUF adapter; `format` gguf merges it", who,
           adapter.replaced().front().name());
  const bool of_table =
      adapter.embedding() != nullptr || adapter.find(module_of(ModelEnds().head)) != nullptr;
  LQ_CHECK(!of_table || !model.spec().tied_embeddings, kUnsupported,
           "{}: changes the embedding or the head, which are one tensor in this model, for one of them only; "
           "`format` gguf merges it",
           who);
}

const GgufModelTensor& tensor_of(const GgufArchitecture& model, const LoraPair& pair,
                                 const std::string& who) {
  const GgufModelTensor* const tensor = model.find(pair.module + ".weight");
  LQ_CHECK(tensor != nullptr, kMismatch, "{}: changes module '{}', which the model does not have", who,
           pair.module);
  LQ_CHECK(tensor->stack == 0, kUnsupported,
           "{}: changes '{}', but experts have no place in a GGUF adapter; `format` gguf merges it", who,
           pair.module);
  return *tensor;
}

}  // namespace

nlohmann::ordered_json to_json(const GgufLoraReport& r) {
  return {{"modules", r.modules}, {"rank", r.rank}, {"output_bytes", r.output_bytes}};
}

GgufLoraReport write_gguf_lora(Context& context, const CheckpointPtr& model, const PeftAdapterReader& adapter,
                               const GgufLoraOptions& options) {
  const std::string who = options.adapter.string();
  const GgufArchitecture architecture(model->config(), model->path().string(),
                                      names_in(model->reader(), model_family(model->config()).names));
  refuse_what_has_no_place(adapter, architecture, who);
  // As it is read again; one of 0 would say that there is none.
  const double alpha = adapter.config().alpha > 0.0 ? static_cast<float>(adapter.config().alpha) : 1.0;
  std::vector<LoraTensor> tensors;
  GgufLoraReport report;
  const auto count = [&](const LoraPair& pair) {
    ++report.modules;
    report.rank = std::max(report.rank, pair.rank);
  };
  for (const LoraPair& pair : adapter.pairs()) {
    const GgufModelTensor& tensor = tensor_of(architecture, pair, who);
    add_pair(context, pair, tensor.name, tensor.head_dim, alpha, options.type, tensors);
    count(pair);
  }
  if (const LoraPair* pair = adapter.embedding()) {
    add_embedding(context, *pair, tensor_of(architecture, *pair, who).name, alpha, options.type, tensors);
    count(*pair);
  }
  GgufKeys keys;
  keys.text("general.architecture", architecture.kind());
  keys.text("general.type", "adapter");
  keys.text("adapter.type", "lora");
  keys.f32("adapter.lora.alpha", static_cast<float>(alpha));
  std::vector<GgufSpec> specs;
  for (const LoraTensor& t : tensors) specs.push_back({t.rows.name, t.rows.type, {t.rows.rows, t.rows.cols}});
  GgufWriter writer(options.out, keys, specs);
  for (const LoraTensor& t : tensors) {
    context.stop.check();
    write_gguf_rows(context.pool, writer, t.rows, t.values.data<float>(), t.rows.name);
  }
  writer.finish();
  report.output_bytes = static_cast<std::int64_t>(std::filesystem::file_size(options.out));
  return report;
}

GgufLoraReport export_gguf_lora(Context& context, const CheckpointPtr& model,
                                const GgufLoraOptions& options) {
  const PackedCheckpoint packed = packed_or_dense(context, model);
  const auto adapter = open_packed_adapter(packed, options.adapter);
  JobOptions job_options;
  job_options.output = JobOutput::kFile;
  job_options.job = {{"verb", "export"}, {"format", "gguf-lora"}, {"version", kVersion}};
  job_options.inputs = {model->path(), options.adapter};
  job_options.overwrite = true;  // nothing is kept of an export that was stopped
  job_options.kind = "GGUF file";
  job_options.is_kind = is_gguf;
  Job output(options.out, job_options);
  GgufLoraReport report = write_gguf_lora(context, model, *adapter, options);
  output.finish();
  return report;
}

GgufLoraReport export_gguf_lora(Context& context, const GgufLoraOptions& options) {
  return export_gguf_lora(context, Checkpoint::open(options.model), options);
}

}  // namespace lq
