// Runs of blocks by backends/cpu/ggml_blocks.h against the loops that define the types, on every SIMD target.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "backends/cpu/ggml_blocks.h"
#include "base/rng.h"
#include "quant/ggml/block_decoders.h"
#include "quant/ggml/ggml_type.h"

namespace lq::ggml {
namespace {

using backends::GgmlBlocks;

struct KernelCase {
  GgmlBlocks blocks;
  GgmlType type;
  BlockDecoder decode;
};

constexpr KernelCase kKernelCases[] = {
    {GgmlBlocks::kQ4_0, GgmlType::kQ4_0, decode_q4_0}, {GgmlBlocks::kQ4_1, GgmlType::kQ4_1, decode_q4_1},
    {GgmlBlocks::kQ5_0, GgmlType::kQ5_0, decode_q5_0}, {GgmlBlocks::kQ5_1, GgmlType::kQ5_1, decode_q5_1},
    {GgmlBlocks::kQ8_0, GgmlType::kQ8_0, decode_q8_0}, {GgmlBlocks::kIq4Nl, GgmlType::kIq4Nl, decode_iq4_nl},
    {GgmlBlocks::kQ2_K, GgmlType::kQ2_K, decode_q2_k}, {GgmlBlocks::kQ3_K, GgmlType::kQ3_K, decode_q3_k},
    {GgmlBlocks::kQ4_K, GgmlType::kQ4_K, decode_q4_k}, {GgmlBlocks::kQ5_K, GgmlType::kQ5_K, decode_q5_k},
    {GgmlBlocks::kQ6_K, GgmlType::kQ6_K, decode_q6_k}, {GgmlBlocks::kIq4Xs, GgmlType::kIq4Xs, decode_iq4_xs}};

// Any bytes: scales of both signs, subnormal ones, infinities and what is no number among them.
std::vector<std::uint8_t> any_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  const Rng rng(7);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(rng.words(i)[0]);
  return bytes;
}

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

void expect_reference_bits(const KernelCase& c, std::int64_t blocks) {
  const GgmlTypeInfo& info = type_info(c.type);
  // One byte more: the blocks of most types are not aligned.
  const auto bytes = any_bytes(static_cast<std::size_t>(blocks * info.bytes) + 1);
  const std::uint8_t* const x = bytes.data() + 1;
  const auto n = static_cast<std::size_t>(blocks * info.weights);
  std::vector<float> want(n);
  for (std::int64_t b = 0; b < blocks; ++b) c.decode(x + b * info.bytes, want.data() + b * info.weights);
  std::vector<float> have(n + 2, 9.0F);
  backends::decode_ggml_blocks(c.blocks, x, blocks, have.data() + 1);
  for (std::size_t i = 0; i < n; ++i) {
    ASSERT_TRUE(same_bits(have[i + 1], want[i]))
        << info.name << " weight " << i << ": " << have[i + 1] << ", reference " << want[i];
  }
  EXPECT_EQ(have.front(), 9.0F) << info.name;
  EXPECT_EQ(have.back(), 9.0F) << info.name;
}

TEST(GgmlKernels, EveryTargetHasTheReferencesBits) {
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    for (const KernelCase& c : kKernelCases) {
      for (const std::int64_t blocks : {1, 2, 501}) expect_reference_bits(c, blocks);
    }
    hwy::SetSupportedTargetsForTest(0);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace
}  // namespace lq::ggml
