#include "tokenizers/trie.h"

namespace lq::tokenizers {

void ByteTrie::insert(std::string_view key, std::int32_t value) {
  if (key.empty()) return;
  std::uint32_t node = 0;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    const std::uint32_t* next = edges_.find(node, byte);
    if (next != nullptr) {
      node = *next;
    } else {
      const auto fresh = static_cast<std::uint32_t>(values_.size());
      values_.push_back(-1);
      edges_.set(node, byte, fresh);
      node = fresh;
    }
  }
  values_[node] = value;
}

}  // namespace lq::tokenizers
