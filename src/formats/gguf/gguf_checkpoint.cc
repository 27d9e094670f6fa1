#include "formats/gguf/gguf_checkpoint.h"

#include "base/error.h"
#include "base/printable.h"
#include "formats/gguf/gguf_config.h"
#include "formats/gguf/gguf_form.h"
#include "formats/gguf/gguf_names.h"
#include "formats/gguf/gguf_tokenizer.h"

namespace lq {
namespace {

// What config.json says instead (gguf_config.cc).
bool is_rope_table(std::string_view name) { return name == "rope_freqs.weight"; }

bool is_q_or_k(std::string_view name) {
  return name.find(".attn_q.") != std::string_view::npos || name.find(".attn_k.") != std::string_view::npos;
}

}  // namespace

std::vector<TensorView> gguf_stored_views(const GgufFile& file) {
  std::vector<TensorView> views;
  for (const GgufFile::Tensor& tensor : file.tensors()) {
    views.push_back(gguf_view(tensor, tensor.entry->name, 0, file.who()));
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
    if (is_rope_table(name)) continue;
    const auto known = hugging_face_name(name);
    LQ_CHECK(known.has_value(), kUnsupported, "{}: the tensor {} is not one that this program knows",
             file->who(), printable(name));
    const auto block = gguf_block_of(name);
    LQ_CHECK(!block || *block < config.blocks, kCorruptFile, "{}: the tensor {} is beyond the {} blocks",
             file->who(), printable(name), config.blocks);
    const std::int64_t head_dim = is_q_or_k(name) ? config.permuted_head_dim : 0;
    opened.tensors.push_back(gguf_view(tensor, *known, head_dim, file->who()));
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
