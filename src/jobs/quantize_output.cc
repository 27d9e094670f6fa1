#include "jobs/quantize_output.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "export/gguf_export.h"
#include "export/gguf_lora.h"
#include "files/json_object.h"
#include "formats/module_name.h"
#include "formats/packed_checkpoint.h"
#include "formats/peft_adapter.h"
#include "formats/sharded_writer.h"
#include "formats/side_files.h"
#include "jobs/options/quantize_options.h"
#include "jobs/quantize_matrix.h"
#include "models/registry.h"

namespace lq {
namespace {

PackedModule module_entry(const TensorView& view, const QuantizeOptions& options) {
  return {.choice = choice_for(options, view.name()),
          .rows = view.shape()[0],
          .cols = view.shape()[1],
          .dtype = weight_dtype(view.dtype())};
}

// model*.safetensors: dense tensors as they were, the parts of each packed matrix.
void write_weights(Context& context, const QuantizedPieces& pieces, const std::filesystem::path& directory) {
  const QuantizeOptions& options = pieces.options;
  const CheckpointReader& reader = pieces.model.reader();
  const std::set<const TensorView*> packed(pieces.selected.begin(), pieces.selected.end());
  std::vector<TensorSpec> specs;
  for (const TensorView& view : reader.tensors()) {
    if (packed.contains(&view)) {
      const auto parts = packed_tensor_specs(view.name(), module_entry(view, options));
      specs.insert(specs.end(), parts.begin(), parts.end());
    } else {
      specs.push_back(view.spec);
    }
  }
  ShardOptions shard;
  shard.max_shard_bytes = options.max_shard_bytes;
  ShardedWriter writer(directory, specs, shard);
  for (const TensorView& view : reader.tensors()) {
    context.stop.check();
    if (!packed.contains(&view)) {
      const Tensor values = view.values();
      writer.append(view.name(), values.raw(), values.bytes());
      drop(view);
      continue;
    }
    const WorkItem piece = finished_piece(pieces.store, view.name());
    const PackedModule module = module_entry(view, options);
    for (const TensorSpec& spec : packed_tensor_specs(view.name(), module)) {
      const TensorView& part = piece.file.at(spec.name.substr(view.name().size() + 1));
      writer.append(spec.name, part.data, part.bytes);
    }
  }
  writer.finish();
}

// The matrices of rank above 0; nothing where there are none.
void write_adapter(const QuantizedPieces& pieces, const std::string& model_hash,
                   const std::filesystem::path& directory) {
  const QuantizeOptions& options = pieces.options;
  std::vector<const TensorView*> adapted;
  std::vector<LoraSpec> specs;
  for (const TensorView* view : pieces.selected) {
    const std::int64_t rank = rank_for(options, view->name());
    if (rank == 0) continue;
    adapted.push_back(view);
    specs.push_back({.module = std::string(module_of(view->name())),
                     .rank = rank,
                     .in = view->shape()[1],
                     .out = view->shape()[0],
                     .alpha = options.alpha > 0.0 ? options.alpha : static_cast<double>(rank)});
  }
  if (adapted.empty()) return;
  PeftWriterOptions writer_options;
  writer_options.dtype = options.decompose.factors;
  writer_options.base_hash = model_hash;
  for (const TensorView& view : pieces.model.reader().tensors()) {
    if (view.shape().size() == 2 && view.name().ends_with(".weight")) {
      writer_options.all_modules.emplace_back(module_of(view.name()));
    }
  }
  std::filesystem::create_directories(directory);
  PeftConfig config;
  if (find_model_family(pieces.model.config()) != nullptr && model_spec(pieces.model.config()).encoder()) {
    config.task_type.clear();  // it predicts no next token
  }
  PeftAdapterWriter writer(directory, std::move(config), specs, writer_options);
  for (const TensorView* view : adapted) {
    const WorkItem piece = finished_piece(pieces.store, view->name());
    const Tensor a = piece.file.at("lora_A").copy_f32();
    const Tensor b = piece.file.at("lora_B").copy_f32();
    writer.write(module_of(view->name()), a.data<float>(), b.data<float>());
  }
  writer.finish();
}

// The packed model without its low-rank part; returns its hash.
std::string write_packed(Context& context, const QuantizedPieces& pieces,
                         const std::filesystem::path& directory) {
  const Checkpoint& model = pieces.model;
  write_weights(context, pieces, directory);
  copy_side_files(model.folder(), directory);
  PackedModules packed;
  packed.source_hash = model.hash(context.pool, context.stop);
  for (const TensorView* view : pieces.selected)
    packed.modules[view->name()] = module_entry(*view, pieces.options);
  packed.model_hash = CheckpointReader(directory).model_hash(context.pool, context.stop);
  JsonObject config = model.config();
  config.json()["quantization_config"] = packed_modules_to_json(packed);
  config.save(directory / "config.json");
  return packed.model_hash;
}

}  // namespace

WorkItem finished_piece(const WorkStore& store, const std::string& name) {
  auto piece = store.get(name);
  LQ_CHECK(piece.has_value(), kCorruptFile,
           "[quantize] the finished matrix '{}' in {} is damaged; run the same command again", name,
           store.file_of(name).string());
  return std::move(*piece);
}

void write_quantized(Context& context, const QuantizedPieces& pieces,
                     const std::filesystem::path& directory) {
  const std::string hash = write_packed(context, pieces, directory);
  write_adapter(pieces, hash, directory / "adapter");
}

void write_quantized_gguf(Context& context, const QuantizedPieces& pieces,
                          const std::filesystem::path& packed_directory,
                          const std::filesystem::path& directory) {
  // As a packed directory first, which the export reads a matrix at a time.
  std::filesystem::remove_all(packed_directory);
  std::filesystem::create_directories(packed_directory);
  write_packed(context, pieces, packed_directory);
  const std::filesystem::path file = directory / "model.gguf";
  write_gguf_model(context, Checkpoint::open(packed_directory), nullptr,
                   {.types = {.matrices = {}, .tables = pieces.options.gguf.tables},
                    .name = pieces.options.out.filename().string(),
                    .out = file});
  const CheckpointPtr base = Checkpoint::open(file);
  const std::filesystem::path adapter = directory / "adapter";
  write_adapter(pieces, base->hash(context.pool, context.stop), adapter);
  if (std::filesystem::exists(adapter)) {
    write_gguf_lora(context, base, PeftAdapterReader(adapter),
                    {.adapter = adapter, .out = directory / "adapter.gguf"});
  }
  std::filesystem::remove_all(packed_directory);
}

}  // namespace lq
