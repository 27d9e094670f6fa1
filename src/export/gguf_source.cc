#include "export/gguf_source.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "export/merge.h"
#include "export/packed_adapter.h"
#include "formats/module_name.h"
#include "models/tied_embeddings.h"
#include "ops/host_math.h"
#include "quant/ggml/ggml_format.h"

namespace lq {
namespace {

using ggml::GgmlType;

GgmlType plain_type_of(DType dtype) {
  switch (dtype) {
    case DType::kBf16:
      return GgmlType::kBf16;
    case DType::kF16:
      return GgmlType::kF16;
    default:
      return GgmlType::kF32;
  }
}

JsonObject config_of(const PackedCheckpoint& model, bool unties) {
  JsonObject config = model.config();
  if (unties) config.json()["tie_word_embeddings"] = false;
  return config;
}

bool is_table(Role role) { return role == Role::kEmbedding || role == Role::kHead; }

}  // namespace

PackedCheckpoint packed_or_dense(Context& context, const CheckpointPtr& model) {
  if (model->is_packed()) return model->packed();
  PackedModules none;
  none.model_hash = model->base_hash(context.pool, context.stop);
  none.source_hash = none.model_hash;
  return {model->config(), std::shared_ptr<const CheckpointReader>(model, &model->reader()), std::move(none)};
}

GgufSource::GgufSource(const PackedCheckpoint& model, const PeftAdapterReader* adapter,
                       const GgufTypes& types)
    : model_(model),
      dense_(dense_parts(model, adapter)),
      architecture_(config_of(model, dense_.unties), model.reader().path().string(),
                    names_in(model.reader(), model_family(model.config()).names)) {
  for (const GgufModelTensor& tensor : architecture_.tensors()) add(tensor, adapter, types);
  std::set<std::string_view> used;
  for (const Entry& entry : entries_) used.insert(entry.name);
  for (const DensePart& part : dense_.parts) {
    if (!used.contains(part.spec.name)) left_out_.push_back(part.spec.name);
  }
  check_stacks();
  tables_ = architecture_.rope_tables();
  for (const GgufTable& table : tables_)
    rows_.push_back({table.name, GgmlType::kF32, 1, std::ssize(table.values)});
}

void GgufSource::check_stacks() const {
  std::map<std::string_view, GgmlType> types;
  for (const GgufRows& rows : rows_) {
    if (rows.stack == 0) continue;
    const GgmlType first = types.emplace(rows.name, rows.type).first->second;
    LQ_CHECK(rows.type == first, kUnsupported,
             "{}: {} holds matrices of all experts in one type, but they are {} and {} here; choose one "
             "(`type`)",
             model_.reader().path().string(), rows.name, ggml::type_info(first).name,
             ggml::type_info(rows.type).name);
  }
}

void GgufSource::add(const GgufModelTensor& tensor, const PeftAdapterReader* adapter,
                     const GgufTypes& types) {
  const std::string& name = tensor.tensor.name;
  Entry entry;
  entry.name = name;
  Shape shape;
  const auto packed = model_.packed().modules.find(name);
  if (packed != model_.packed().modules.end()) {
    entry.packed = &packed->second;
    if (adapter != nullptr) entry.pair = adapter->find(module_of(name));
    shape = {packed->second.rows, packed->second.cols};
  } else {
    const auto part =
        std::ranges::find_if(dense_.parts, [&](const DensePart& p) { return p.spec.name == name; });
    LQ_CHECK(part != dense_.parts.end(), kNotFound, "{}: no tensor {}, which config.json's model has",
             model_.reader().path().string(), name);
    entry.dense = &*part;
    shape = part->spec.shape;
  }
  LQ_CHECK(shape == tensor.tensor.shape, kMismatch, "{}: {} is {}, but config.json makes it {}",
           model_.reader().path().string(), name, shape_text(shape), shape_text(tensor.tensor.shape));
  const bool matrix = shape.size() == 2;
  // A vector of rows that are in llama.cpp's order (a bias) is a matrix of one column until it is written.
  const bool column = !matrix && tensor.head_dim > 0;
  rows_.push_back({tensor.name, choose_type(entry, tensor, types), matrix || column ? shape[0] : 1,
                   matrix   ? shape[1]
                   : column ? 1
                            : shape[0],
                   tensor.head_dim, tensor.added, tensor.stack});
  entries_.push_back(std::move(entry));
}

GgmlType GgufSource::choose_type(Entry& entry, const GgufModelTensor& tensor, const GgufTypes& types) const {
  // llama.cpp's converter keeps routers, learned positions and token types as they were computed with.
  const Role role = tensor.tensor.role;
  if (tensor.tensor.shape.size() != 2 || role == Role::kRouter || role == Role::kPositions ||
      role == Role::kTypes)
    return GgmlType::kF32;
  const auto wanted = is_table(tensor.tensor.role) && types.tables ? types.tables : types.matrices;
  if (wanted)
    return tensor.tensor.shape[1] % ggml::type_info(*wanted).weights == 0 ? *wanted : GgmlType::kF16;
  if (entry.packed == nullptr) return plain_type_of(entry.dense->spec.dtype);
  entry.blocks = entry.packed->choice.format == kGgmlFormat && entry.pair == nullptr;
  if (!entry.blocks) return plain_type_of(entry.packed->dtype);
  return ggml_type_of(entry.packed->choice.parameters, entry.packed->rows, entry.packed->cols);
}

ggml::GgmlType GgufSource::most_used() const {
  std::map<GgmlType, std::int64_t> weights;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (rows_[i].rows > 1 && rows_[i].cols > 1) weights[rows_[i].type] += rows_[i].rows * rows_[i].cols;
  }
  const auto most = std::ranges::max_element(weights, {}, [](const auto& entry) { return entry.second; });
  return most == weights.end() ? GgmlType::kF32 : most->first;
}

GgufSource::Written GgufSource::write(Context& context, std::size_t i, GgufWriter& writer) const {
  const GgufRows& to = rows_[i];
  if (i >= entries_.size()) {
    const std::vector<float>& values = tables_[i - entries_.size()].values;
    writer.append(to.name, values.data(), values.size() * sizeof(float));
    return {};
  }
  const Entry& entry = entries_[i];
  Written written;
  if (entry.blocks) {
    const PackedMatrix q = model_.matrix(entry.name);
    write_gguf_blocks(writer, to, q.parts().front().bytes);
    return written;
  }
  Tensor w;
  if (entry.dense != nullptr) {
    w = entry.dense->as_stored() ? entry.dense->from->copy_f32() : entry.dense->merged(context);
    if (!dense_.unties) drop(*entry.dense->from);
    written.adapted = entry.dense->pair != nullptr;
    written.replaced = entry.dense->replaced;
  } else {
    w = Tensor::empty(DType::kF32, {entry.packed->rows, entry.packed->cols});
    model_.matrix(entry.name).dequantize(context.pool, w.mutable_data<float>());
    if (entry.pair != nullptr) merge_low_rank(context, *entry.pair, w);
    written.adapted = entry.pair != nullptr;
  }
  written.squared_norm = sum_of_squares(context.pool, const_matrix_of(w).flat());
  written.squared_error = write_gguf_rows(context.pool, writer, to, w.data<float>(), entry.name);
  return written;
}

}  // namespace lq
