#include "formats/gguf/gguf_checkpoint.h"

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_config.h"
#include "formats/gguf/gguf_form.h"
#include "formats/gguf/gguf_tokenizer.h"

namespace lq {
namespace {

bool is_q_or_k(std::string_view name) {
  return name.find(".attn_q.") != std::string_view::npos || name.find(".attn_k.") != std::string_view::npos;
}

GgufChange change_of(const GgufConfig& config, std::string_view name) {
  GgufChange change;
  if (is_q_or_k(name)) change.head_dim = config.permuted_head_dim;
  if (config.kind->norms_plus_one && name.ends_with("norm.weight")) change.added = 1.0F;
  return change;
}

void add_views(const GgufFile::Tensor& tensor, const GgufConfig& config, const std::string& who,
               std::vector<TensorView>& views) {
  const std::string& name = tensor.entry->name;
  const GgufNames& names = config.kind->names;
  const auto unknown = [&] {
    fail(ErrorCode::kUnsupported, "{}: the tensor {} is not one that this program knows", who,
         printable(name));
  };
  if (is_expert_stack(names, name)) {
    const Shape& shape = tensor.entry->shape;
    LQ_CHECK(shape.size() == 3 && shape[0] == config.experts, kCorruptFile,
             "{}: {} is {}, but a matrix for each of the {} experts was expected", who, printable(name),
             shape_text(shape), config.experts);
    for (std::int64_t e = 0; e < shape[0]; ++e) {
      auto known = hugging_face_name(names, name, e);
      if (!known) unknown();
      views.push_back(gguf_matrix_of_stack(tensor, e, std::move(*known), who));
    }
    return;
  }
  auto known = hugging_face_name(names, name);
  if (!known) unknown();
  views.push_back(gguf_view(tensor, std::move(*known), change_of(config, name), who));
}

}  // namespace

std::vector<TensorView> gguf_stored_views(const GgufFile& file) {
  std::vector<TensorView> views;
  for (const GgufFile::Tensor& tensor : file.tensors()) {
    views.push_back(gguf_view(tensor, tensor.entry->name, {}, file.who()));
  }
  return views;
}

GgufCheckpoint open_gguf_checkpoint(const std::filesystem::path& path) {
  auto file = std::make_shared<const GgufFile>(path);
  const GgufMetadata keys(file->values(), file->who());
  GgufConfig config = gguf_config(*file, keys);
  OpenedTensors opened;
  opened.path = path;
  opened.files = file->files();
  opened.stored = gguf_stored_views(*file);
  for (const GgufFile::Tensor& tensor : file->tensors()) {
    const std::string& name = tensor.entry->name;
    if (config.said.contains(name)) continue;
    const auto block = gguf_block_of(name);
    LQ_CHECK(!block || *block < config.blocks, kCorruptFile, "{}: the tensor {} is beyond the {} blocks",
             file->who(), printable(name), config.blocks);
    add_views(tensor, config, file->who(), opened.tensors);
  }
  Folder folder(path, gguf_side_texts(keys));
  opened.owner = std::move(file);
  return {std::move(config.config), std::move(opened), std::move(folder)};
}

Folder gguf_folder(const std::filesystem::path& path) {
  const GgufFile file(path);
  return {path, gguf_side_texts(GgufMetadata(file.values(), file.who()))};
}

}  // namespace lq
