// A trie over bytes: all prefixes of a text that are keys.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizers/pair_map.h"

namespace lq::tokenizers {

class ByteTrie {
 public:
  // value >= 0. The last value given for a key counts. An empty key is not stored.
  void insert(std::string_view key, std::int32_t value);

  // Calls visit(length, value) for each key that text[from..] begins with, shortest first.
  template <typename Visit>
  void prefixes(std::string_view text, std::size_t from, const Visit& visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = from; i < text.size(); ++i) {
      const std::uint32_t* next = edges_.find(node, static_cast<unsigned char>(text[i]));
      if (next == nullptr) return;
      node = *next;
      if (values_[node] >= 0) visit(i + 1 - from, values_[node]);
    }
  }

 private:
  PairMap<std::uint32_t> edges_;
  std::vector<std::int32_t> values_ = {-1};  // of each node; -1 where no key ends
};

}  // namespace lq::tokenizers
