#include "jobs/quantize_model.h"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/lanes.h"
#include "base/option_error.h"
#include "base/process.h"
#include "base/version.h"
#include "decompose/device_coder.h"
#include "export/gguf_export.h"
#include "files/job.h"
#include "files/job_report.h"
#include "files/json_object.h"
#include "formats/work_store.h"
#include "jobs/decompose_device.h"
#include "jobs/options/quantize_options.h"
#include "jobs/quantize_matrix.h"
#include "jobs/quantize_need.h"
#include "jobs/quantize_output.h"
#include "models/model_check.h"

namespace lq {
namespace {

PlanOptions plan_options(const QuantizeOptions& o) {
  return {.selection = o.selection,
          .formats = o.formats,
          .quantizer = o.quantizer,
          .decompose = o.decompose,
          .ranks = o.rank_choices,
          .importance = o.importance,
          .calibration = o.calibration,
          .budget = o.budget};
}

void put_piece(const WorkStore& store, const QuantizedMatrix& m) {
  std::vector<Tensor> parts;
  for (const PackedPart& part : m.q.parts()) {
    parts.push_back(Tensor::borrow(DType::kU8, {static_cast<std::int64_t>(part.bytes.size())},
                                   reinterpret_cast<const std::byte*>(part.bytes.data())));
  }
  std::vector<std::pair<std::string, const Tensor*>> tensors;
  for (std::size_t i = 0; i < parts.size(); ++i) tensors.emplace_back(m.q.parts()[i].suffix, &parts[i]);
  if (m.report.rank > 0) {
    tensors.emplace_back("lora_A", &m.lora_a);
    tensors.emplace_back("lora_B", &m.lora_b);
  }
  store.put(m.report.name, tensors, nlohmann::json(to_json(m.report)));
}

DecomposeWork quantize_work(const QuantizeOptions& options, const std::vector<const TensorView*>& selected) {
  const bool factors = method_traits(options.decompose.method).factors;
  DecomposeWork work;
  work.oversampling = options.decompose.oversampling;
  work.importance = options.importance;
  work.calibrates = options.importance != ImportanceKind::kNone && options.calibration.stats.empty();
  const BudgetOptions& budget = options.budget;
  work.quantizes_there = budget.given() && budget.table.empty() && budget.allocation.empty();
  const auto has_coder = [&](const QuantChoice& choice) {
    return has_device_coder(*make_quantizer(choice, options.quantizer));
  };
  const bool any =
      std::ranges::any_of(options.choices, [&](const auto& own) { return has_coder(own.second); });
  work.coder = budget.given() ? has_device_coder(options.formats, options.quantizer)
                              : has_coder(options.choice) || any;
  std::int64_t most = 0;
  if (options.rank_choices.chosen() && !selected.empty()) {
    most = ranks_to_sweep(options.rank_choices, selected).back();
  }
  for (const TensorView* view : selected) {
    const std::int64_t rank = options.rank_choices.chosen() ? most : rank_for(options, view->name());
    work.matrices.push_back({view->shape()[0], view->shape()[1], factors ? rank : 0});
  }
  return work;
}

// Decomposes every selected matrix that the store does not have yet.
void decompose_all(Context& context, const QuantizeOptions& options,
                   const std::vector<const TensorView*>& selected, const MatrixImportance& weights,
                   const WorkStore& store) {
  std::vector<const TensorView*> todo;
  std::int64_t total = 0;
  std::int64_t finished = 0;
  for (const TensorView* view : selected) {
    total += view->numel();
    if (store.has(view->name())) {
      finished += view->numel();
    } else {
      todo.push_back(view);
    }
  }
  if (finished > 0) {
    context.progress.note(fmt::format("going on: {} of {} matrices were finished before",
                                      selected.size() - todo.size(), selected.size()));
  }
  context.progress.begin("quantize", total, "weights");
  context.progress.update(finished, "");
  std::mutex mutex;
  const auto one = [&](Context& with, const TensorView& view) {
    with.stop.check();
    put_piece(store, quantize_matrix(with, view, options, weights));
    drop(view);
    const std::lock_guard lock(mutex);
    finished += view.numel();
    context.progress.update(finished, view.name());
  };
  const int threads = context.pool.threads();
  // The largest first: the end, where fewer are left than lanes, is short.
  const auto larger = [](const TensorView* a, const TensorView* b) { return a->numel() > b->numel(); };
  if (!context.device.is_cpu()) {
    std::stable_sort(todo.begin(), todo.end(), larger);
    const int most = matrices_at_once(threads, bytes_of_one(options, todo));
    run_on_device(context, device_lanes(context, quantize_work(options, todo), most), std::ssize(todo),
                  [&](std::int64_t i, Context& lane) { one(lane, *todo[static_cast<std::size_t>(i)]); });
    context.progress.end();
    return;
  }
  std::vector<const TensorView*> small;
  std::copy_if(todo.begin(), todo.end(), std::back_inserter(small),
               [](const TensorView* v) { return v->numel() <= kSmallMatrix; });
  context.pool.run(static_cast<std::int64_t>(small.size()),
                   [&](std::int64_t i) { one(context, *small[static_cast<std::size_t>(i)]); });
  std::vector<const TensorView*> large;
  std::copy_if(todo.begin(), todo.end(), std::back_inserter(large),
               [](const TensorView* v) { return v->numel() > kSmallMatrix; });
  std::stable_sort(large.begin(), large.end(), larger);
  std::vector<std::int64_t> sizes;
  for (const TensorView* view : large) sizes.push_back(view->numel());
  const LanePlan plan = plan_lanes(sizes, threads, matrices_at_once(threads, bytes_of_one(options, large)));
  for (std::int64_t i = 0; i < plan.together; ++i) one(context, *large[static_cast<std::size_t>(i)]);
  run_in_lanes(plan.lanes, threads, std::ssize(large) - plan.together, [&](std::int64_t i, ThreadPool& pool) {
    Context lane{pool, context.progress, context.seed, context.stop};
    one(lane, *large[static_cast<std::size_t>(plan.together + i)]);
  });
  context.progress.end();
}

std::int64_t bytes_in(const std::filesystem::path& directory) {
  std::int64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<std::int64_t>(entry.file_size());
  }
  return bytes;
}

void check_ranks(const QuantizeOptions& options, const std::vector<const TensorView*>& selected) {
  for (const TensorView* view : selected) {
    const std::int64_t most = std::min(view->shape()[0], view->shape()[1]);
    const std::int64_t rank = rank_for(options, view->name());
    check_option(rank <= most, "rank", "{} is larger than matrix '{}' {} allows (at most {})", rank,
                 view->name(), shape_text(view->shape()), most);
  }
  if (options.rank_choices.chosen()) ranks_to_sweep(options.rank_choices, selected);
}

// Of the codes that are chosen beside factors on a device.
void tell_codes(Context& context, const QuantizeOptions& options,
                const std::vector<const TensorView*>& selected) {
  if (context.device.is_cpu() || !method_traits(options.decompose.method).factors) return;
  std::vector<std::unique_ptr<Quantizer>> made;
  std::vector<const Quantizer*> quantizers;
  for (const TensorView* view : selected) {
    if (rank_for(options, view->name()) == 0) continue;
    made.push_back(make_quantizer(choice_for(options, view->name()), options.quantizer));
    quantizers.push_back(made.back().get());
  }
  tell_codes_on_cpu(context, quantizers, "quantize");
}

void report_options(const QuantizeOptions& options, const QuantizePlan& plan, QuantizeReport& report) {
  report.method = decompose_method_name(options.decompose.method);
  report.importance = importance_name(options.importance);
  report.codebook = options.formats.text();
  report.scales = enum_name(kScaleModeNames, options.quantizer.scales);
  report.factors = options.decompose.factors == DType::kF32 ? "f32" : "bf16";
  report.feedback = enum_name(kFeedbackNames, options.quantizer.feedback);
  if (plan.allocation.has_value()) {
    report.allocation = AllocationReport{.objective = plan.allocation->objective,
                                         .bound = plan.allocation->bound,
                                         .gap = plan.allocation->gap};
  }
}

}  // namespace

QuantizeReport quantize_model(Context& context, const QuantizeOptions& options) {
  return quantize_model(context, Checkpoint::open(options.model), options);
}

QuantizeReport quantize_model(Context& given_context, const CheckpointPtr& model,
                              const QuantizeOptions& given) {
  const double start = monotonic_seconds();
  QuantizeOptions options = given;
  model->require_dense("quantize");
  const CheckpointReader& reader = model->reader();
  check_model_config(model->config(), reader);
  options.selection = of_model(options.selection, *model);
  const auto selected = select_matrices(reader, options.selection);
  check_ranks(options, selected);

  Context context = choose_decompose_device(given_context, quantize_work(options, selected), "quantize");
  const std::string& source_hash = model->hash(context.pool, context.stop);
  JobOptions job_options;
  if (options.gguf.given) check_gguf_output(*model, selected);
  job_options.job = job_identity(options, source_hash, context.seed);
  if (!context.device.is_cpu()) job_options.job["device"] = "cuda";
  job_options.today = [&options](const nlohmann::json& old) { return job_today(options, old); };
  add_identity(job_options, "config_hash", model->config_hash());
  job_options.inputs = {model->path()};
  job_options.overwrite = options.overwrite;
  Job output(options.out, job_options);
  if (output.state() == JobState::kFinished)
    return finished_job_report(options.out, quantize_report_from_json);

  if (const auto& rest = reader.left_out(); !rest.empty()) {
    context.progress.note(
        fmt::format("quantize: {} tensors, such as {}, are in blocks beyond config.json's num_hidden_layers, "
                    "{}: they are left out",
                    rest.size(), rest.front(), model->config().integer("num_hidden_layers")));
  }
  if (const auto strange = strange_matrices(reader, options.selection); !strange.empty()) {
    context.progress.note(
        fmt::format("quantize: {} matrices in numbered blocks, such as {}, are none of the "
                    "model's linears: they stay as they are",
                    strange.size(), strange.front()));
  }
  const QuantizePlan plan = plan_quantization(context, plan_options(options), model, output.work_dir());
  if (plan.allocation.has_value()) {
    for (const AllocatedMatrix& m : plan.allocation->choices) {
      options.choices.emplace(m.name, options.formats.choice_of(m.choice, m.name));
      if (options.rank_choices.chosen()) options.ranks.emplace(m.name, m.rank);
    }
    check_ranks(options, selected);
  }
  const WorkStore store(output.store_dir());
  tell_codes(context, options, selected);
  decompose_all(context, options, selected, plan.importance, store);

  const std::filesystem::path final_dir = output.final_dir();
  const QuantizedPieces pieces{.options = options, .model = *model, .selected = selected, .store = store};
  if (options.gguf.given) {
    write_quantized_gguf(context, pieces, output.work_dir() / "packed", final_dir);
  } else {
    write_quantized(context, pieces, final_dir);
  }

  QuantizeReport report;
  report_options(options, plan, report);
  for (const TensorView* view : selected) {
    const WorkItem piece = finished_piece(store, view->name());
    report.matrices.push_back(matrix_report_from_json(piece.info, view->name()));
  }
  report.output_bytes = bytes_in(final_dir);
  report.seconds = monotonic_seconds() - start;
  report.peak_rss_bytes = peak_rss_bytes();
  output.finish({{"lqlora", kVersion},
                 {"source", model->path().filename().string()},
                 {"report", to_reproducible_json(report)}});
  return report;
}

}  // namespace lq
