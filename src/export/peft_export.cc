#include "export/peft_export.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "backends/cpu/gemm.h"
#include "base/version.h"
#include "export/dense_parts.h"
#include "export/packed_adapter.h"
#include "files/content_hash.h"
#include "files/job.h"
#include "formats/module_name.h"
#include "ops/host_math.h"

namespace lq {
namespace {

// A module's fine-tuned part and the one it began as; either may be null, not both.
struct Change {
  std::string module;
  const LoraPair* tuned = nullptr;
  const LoraPair* start = nullptr;
  bool embedding = false;
  std::int64_t rank() const { return (tuned ? tuned->rank : 0) + (start ? start->rank : 0); }
  const LoraPair& any() const { return tuned != nullptr ? *tuned : *start; }
};

std::vector<Change> changes_of(const PackedCheckpoint& packed, const PeftAdapterReader& tuned,
                               const PeftAdapterReader* start) {
  std::vector<Change> all;
  std::vector<std::string> modules = linear_modules(packed);
  const ModelEnds ends = model_ends(packed);
  if (ends.tied) modules.emplace_back(module_of(ends.head));
  for (const std::string& module : modules) {
    const Change change{module, tuned.find(module), start != nullptr ? start->find(module) : nullptr};
    if (change.rank() > 0) all.push_back(change);
  }
  const Change table{std::string(module_of(ends.table)), tuned.embedding(),
                     start != nullptr ? start->embedding() : nullptr, true};
  if (table.rank() > 0) all.push_back(table);
  return all;
}

// Rows [at, at + rank) of a [_, in] and columns [at, at + rank) of b [out, whole], times factor.
void place(const LoraPair& pair, double factor, std::int64_t at, std::int64_t whole, std::vector<float>& a,
           std::vector<float>& b) {
  const Tensor from_a = pair.a.copy_f32();
  const Tensor from_b = pair.b.copy_f32();
  std::copy_n(from_a.data<float>(), from_a.numel(), a.begin() + at * pair.in);
  const auto f = static_cast<float>(factor);
  copy_scaled_columns(f, const_matrix_of(from_b), {b.data(), pair.out, whole}, at);
}

void write_change(PeftAdapterWriter& writer, const Change& change, const std::string& module) {
  const std::int64_t rank = change.rank();
  const LoraPair& shape = change.any();
  std::vector<float> a(static_cast<std::size_t>(rank * shape.in));
  std::vector<float> b(static_cast<std::size_t>(shape.out * rank));
  std::int64_t at = 0;
  if (change.tuned != nullptr) {
    place(*change.tuned, change.tuned->scaling, 0, rank, a, b);
    at = change.tuned->rank;
  }
  if (change.start != nullptr) place(*change.start, -change.start->scaling, at, rank, a, b);
  writer.write(module, a.data(), b.data());
}

double distance_to(Context& context, const PackedCheckpoint& packed, const PeftAdapterReader* start,
                   const CheckpointReader& base) {
  double error = 0.0;
  double norm = 0.0;
  for (const auto& [name, module] : packed.packed().modules) {
    context.stop.check();
    Tensor w = base.at(name).copy_f32();
    LQ_CHECK(w.shape() == Shape({module.rows, module.cols}), kMismatch, "{}: {} is {}, but packed as {} x {}",
             base.path().string(), name, shape_text(w.shape()), module.rows, module.cols);
    norm += sum_of_squares(context.pool, const_matrix_of(w).flat());
    const PackedMatrix q = packed.matrix(name);
    Tensor dequantized = Tensor::empty(DType::kF32, w.shape());
    q.dequantize(context.pool, dequantized.mutable_data<float>());
    float* const rest = w.mutable_data<float>();
    subtract(context.pool, const_matrix_of(w).flat(), const_matrix_of(dequantized).flat(), span_of<float>(w));
    const LoraPair* pair = start != nullptr ? start->find(module_of(name)) : nullptr;
    if (pair != nullptr) {
      const Tensor a = pair->a.copy_f32();
      const Tensor b = pair->b.copy_f32();
      backends::gemm(context.pool, pair->out, pair->in, pair->rank, b.data<float>(), pair->rank,
                     a.data<float>(), pair->in, rest, pair->in,
                     {.alpha = -static_cast<float>(pair->scaling), .beta = 1.0F});
    }
    error += sum_of_squares(context.pool, const_matrix_of(w).flat());
  }
  return norm > 0.0 ? std::sqrt(error / norm) : 0.0;
}

PeftExportReport finished_report(const std::filesystem::path& out) {
  const JsonObject json = JsonObject::load(out / "lqlora.json").section("report");
  PeftExportReport r;
  r.modules = json.count("modules");
  r.rank = json.count("rank");
  r.replaced = json.count("replaced");
  r.output_bytes = json.count("output_bytes");
  r.distance = json.number_if("distance");
  r.already_done = true;
  return r;
}

}  // namespace

nlohmann::ordered_json to_json(const PeftExportReport& r) {
  nlohmann::ordered_json json = {
      {"modules", r.modules}, {"rank", r.rank}, {"replaced", r.replaced}, {"output_bytes", r.output_bytes}};
  if (r.distance) json["distance"] = *r.distance;
  return json;
}

PeftExportReport export_peft(Context& context, const PeftExportOptions& o) {
  const CheckpointPtr model = Checkpoint::open(o.model);
  return export_peft(context, model, o.base.empty() ? nullptr : Checkpoint::open(o.base), o);
}

PeftExportReport export_peft(Context& context, const CheckpointPtr& model, const CheckpointPtr& base,
                             const PeftExportOptions& o) {
  const PackedCheckpoint& packed = model->packed();
  const auto tuned = open_packed_adapter(packed, o.adapter);
  std::unique_ptr<PeftAdapterReader> start;
  const std::filesystem::path first = model->directory() / "adapter";
  if (std::filesystem::exists(first / "adapter_config.json")) start = open_packed_adapter(packed, first);
  LQ_CHECK(
      !tuned->config().use_dora && (!start || !start->config().use_dora), kUnsupported,
      "{}: an adapter with magnitudes (use_dora) is no sum of low-rank parts, which this format consists "
      "of; `format` hf merges it",
      o.adapter.string());
  std::vector<std::filesystem::path> inputs = {model->path(), o.adapter};
  const std::string base_path = base ? base->path().string() : std::string();
  if (base) {
    const std::string& hash = base->hash(context.pool, context.stop);
    LQ_CHECK(hash == packed.packed().source_hash, kMismatch,
             "`base` {}: its hash is {}, but {} was packed from {}", base_path, hash, model->path().string(),
             packed.packed().source_hash);
    inputs.push_back(base->path());
  }
  JobOptions job_options;
  job_options.job = {
      {"verb", "export"},
      {"format", "peft"},
      {"model_hash", packed.packed().model_hash},
      {"adapter_hash", CheckpointReader(o.adapter / "adapter_model.safetensors").model_hash(context.pool)},
      {"base", base_path},
      {"version", kVersion}};
  add_identity(job_options, "adapter_config_hash", content_hash(o.adapter / "adapter_config.json"));
  if (start) add_identity(job_options, "start_hash", content_hash(first));
  job_options.inputs = inputs;
  job_options.overwrite = o.overwrite;
  Job output(o.out, job_options);
  if (output.state() == JobState::kFinished) return finished_report(o.out);

  PeftExportReport report;
  const PeftNaming peft(packed, tuned->config());
  std::vector<LoraSpec> specs;
  const auto changes = changes_of(packed, *tuned, start.get());
  for (const Change& c : changes) {
    // alpha = rank: scaling 1, for the factors' own are in B.
    specs.push_back({peft(c.module), c.rank(), c.any().in, c.any().out, static_cast<double>(c.rank()), false,
                     c.embedding});
    report.rank = std::max(report.rank, c.rank());
  }
  report.modules = std::ssize(specs);
  const std::vector<KeptTensor> kept = kept_tensors(packed, *tuned);
  report.replaced = std::ssize(kept);
  PeftWriterOptions writer_options;
  writer_options.base_hash = packed.packed().source_hash;
  writer_options.all_modules = peft(linear_modules(packed));
  writer_options.all_tensors = peft(whole_tensors(packed));
  for (const KeptTensor& t : kept) {
    writer_options.replaced.push_back({peft(t.name), DType::kF32, t.view->shape()});
  }
  writer_options.saved_modules = saved_as_one(tuned->config(), writer_options.replaced);
  PeftConfig config = peft_config(peft, tuned->config());
  config.use_rslora = false;
  config.base_model = base_path;
  PeftAdapterWriter writer(output.final_dir(), std::move(config), specs, writer_options);
  context.progress.begin("export", std::ssize(changes), "modules");
  for (const Change& c : changes) {
    context.stop.check();
    write_change(writer, c, peft(c.module));
    context.progress.update(&c - changes.data() + 1, c.module);
  }
  context.progress.end();
  for (const KeptTensor& t : kept) writer.write_replaced(peft(t.name), t.view->copy_f32().data<float>());
  writer.finish();
  if (base) report.distance = distance_to(context, packed, start.get(), base->reader());
  for (const auto& entry : std::filesystem::directory_iterator(output.final_dir())) {
    report.output_bytes += static_cast<std::int64_t>(entry.file_size());
  }
  output.finish(
      {{"lqlora", kVersion}, {"source", model->path().filename().string()}, {"report", to_json(report)}});
  return report;
}

}  // namespace lq
