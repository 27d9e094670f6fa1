#include "train/finetune_hashes.h"

#include <cstdint>

#include "base/hash.h"

namespace lq {

std::string hash_of_examples(const std::vector<EncodedExample>& examples) {
  Hasher hasher;
  for (const EncodedExample& e : examples) {
    const std::uint64_t size = e.ids.size();
    hasher.update(&size, sizeof(size));
    hasher.update(e.ids.data(), e.ids.size() * sizeof(e.ids[0]));
    hasher.update(e.in_loss.data(), e.in_loss.size());
    if (!e.types.empty()) hasher.update(e.types.data(), e.types.size() * sizeof(e.types[0]));
    if (e.label) hasher.update(&*e.label, sizeof(*e.label));
  }
  return hasher.hex();
}

std::string hash_of_start(Model& model, const std::vector<std::string>& replaced) {
  Hasher hasher;
  bool any = !replaced.empty();
  for (const std::string& name : replaced) {
    const Tensor& value = model.find_parameter(name)->value;
    hasher.update(name);
    hasher.update(value.raw(), value.bytes());
  }
  const auto add = [&](const std::string& module, const auto* lora) {  // Lora or EmbeddingLora
    if (lora == nullptr) return;
    any = true;
    hasher.update(module);
    hasher.update(lora->a.value.raw(), lora->a.value.bytes());
    hasher.update(lora->b.value.raw(), lora->b.value.bytes());
    hasher.update(&lora->scaling, sizeof(lora->scaling));
    const Magnitude* const m = lora->magnitude.get();
    if (m != nullptr) hasher.update(m->m.value.raw(), m->m.value.bytes());
  };
  add(model.embedding().name(), model.embedding().lora());
  for (const Module& m : model.modules()) add(m.name, m.linear->lora());
  return any ? hasher.hex() : "none";
}

}  // namespace lq
