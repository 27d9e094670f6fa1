#include "formats/model_folder.h"

#include "formats/gguf/gguf_checkpoint.h"
#include "formats/gguf/gguf_header.h"
#include "hub/hub_cache.h"

namespace lq {

Folder model_folder(const std::filesystem::path& path) {
  const std::filesystem::path local = hub::local_model(path);
  return is_gguf(local) ? gguf_folder(local) : Folder(local);
}

}  // namespace lq
