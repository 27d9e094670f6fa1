#include "formats/model_folder.h"

#include "formats/gguf/gguf_checkpoint.h"
#include "formats/gguf/gguf_header.h"

namespace lq {

Folder model_folder(const std::filesystem::path& path) {
  return is_gguf(path) ? gguf_folder(path) : Folder(path);
}

}  // namespace lq
