#include "quant/ggml/iq_grids.h"

namespace lq::ggml {
namespace {

#include "quant/ggml/iq_grids.inc"

}  // namespace

const std::span<const std::uint16_t> kIq2XxsGrid = kIq2Xxs;
const std::span<const std::uint16_t> kIq2XsGrid = kIq2Xs;
const std::span<const std::uint16_t> kIq2SGrid = kIq2S;
const std::span<const std::uint16_t> kIq1Grid = kIq1;
const std::span<const std::uint16_t> kIq3XxsGrid = kIq3Xxs;
const std::span<const std::uint16_t> kIq3SGrid = kIq3S;

}  // namespace lq::ggml
