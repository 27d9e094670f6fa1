#include "quant/codebook/codebook_layout.h"

#include "quant/packed_matrix.h"

namespace lq {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

CodebookSizes codebook_sizes(std::int64_t rows, std::int64_t cols, const CodebookConfig& config,
                             std::string_view who) {
  check_codebook_config(config, who);
  check_packed_shape(rows, cols, who);
  CodebookSizes sizes{};
  sizes.elements = rows * cols;
  sizes.blocks = ceil_div(sizes.elements, config.block);
  sizes.groups = ceil_div(sizes.blocks, config.block2);
  sizes.codes_bytes = ceil_div(sizes.elements, backends::kNfGroup) * 8 * config.bits;
  sizes.scales_bytes = ceil_div(sizes.blocks, backends::kNfGroup) * 8 * config.scale_bits;
  sizes.scales2_bytes = sizes.groups * scale_dtype_size(config.scale2);
  return sizes;
}

}  // namespace lq
