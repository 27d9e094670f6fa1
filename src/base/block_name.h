// Tensors of a model's blocks are named after the block's number: "model.layers.12.mlp.up_proj.weight".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lq {

// A name in its parts, all within it. The number is the first part between dots that is all digits.
struct BlockName {
  std::string_view prefix;  // "model.layers"; empty where the name begins with the number
  std::int64_t number = 0;  // 12
  std::string_view rest;    // "mlp.up_proj.weight"; empty where the name ends with the number
  std::string_view block;   // "model.layers.12", the number as it stands there

  bool operator==(const BlockName&) const = default;
};

// Nothing where no part is a number, and where the first that is one is 2^63 or more.
std::optional<BlockName> parse_block_name(std::string_view name);

}  // namespace lq
