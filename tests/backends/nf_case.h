// A packed matrix of one row with what it must decode to.
#pragma once

#include <cstdint>
#include <vector>

#include "quant/codebook/codebook_reference.h"
#include "reference/dense_matrix.h"

namespace lq::backends {

struct NfCase {
  NfCase(const CodebookConfig& config, std::int64_t n)
      : book(codebook_of(CodebookKind::kNormalFloat, config.bits)),
        packed(codebook_reference_quantize(reference::normal_matrix(1, n, 5).data(), n, config, book)),
        expected(static_cast<std::size_t>(n)) {
    codebook_reference_dequantize(packed, n, config, book, 0, n, expected.data());
    view = {packed.codes.data(),
            packed.scales.data(),
            packed.scales2.data(),
            packed.offset,
            {config.bits, config.scale_bits, config.scale2, config.block, config.block2},
            1,
            n,
            book.values};
  }
  NfCase(const NfCase&) = delete;  // the view points into packed
  NfCase& operator=(const NfCase&) = delete;

  const Codebook& book;
  CodebookReferencePacked packed;
  std::vector<float> expected;
  NfView view{};
};

}  // namespace lq::backends
