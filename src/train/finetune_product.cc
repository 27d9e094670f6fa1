#include "train/finetune_product.h"

#include <utility>

#include "train/write_adapter.h"

namespace lq {

FinetuneProduct::FinetuneProduct(Context& ctx, Model& model, const FinetuneOptions& o, std::string base_hash,
                                 LabelNames labels)
    : ctx_(ctx), model_(model), o_(o), base_hash_(std::move(base_hash)), labels_(std::move(labels)) {
  if (o.full) {
    specs_ = train_all_parameters(model);
  } else {
    lora_ = lora_setup(ctx, model, o.lora);
  }
}

std::optional<CompressedAdapter> FinetuneProduct::compress() {
  if (!o_.compress) return std::nullopt;
  return compress_adapter(ctx_, model_, *adapter_quantizer());
}

void FinetuneProduct::write(const std::filesystem::path& directory) const {
  std::filesystem::create_directories(directory);
  if (o_.full) return write_full_model(model_, specs_, directory, labels_);
  // PEFT finds a dense base by its folder; a packed one is ours alone.
  std::filesystem::path base = model_.packed() ? std::filesystem::path() : model_.checkpoint()->path();
  if (base.extension() == ".safetensors") base = base.has_parent_path() ? base.parent_path() : ".";
  write_adapter(ctx_, model_, lora_, o_.train.dropout, base_hash_, base.string(), directory);
}

}  // namespace lq
