// Error tables as a sweep of a Llama-2 model would give them, made up: real shapes, all 432 configurations,
// errors scale_i * relative error(configuration) * noise, the scales log-normal as measured Fisher-weighted
// errors are.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "allocate/error_table.h"
#include "base/rng.h"
#include "quant/codebook/codebook_config.h"

namespace lq::reference {

// QLoRA's configuration at three widths.
inline const std::string kNf2 = "2,8,fp32,64,256";
inline const std::string kNf3 = "3,8,fp32,64,256";
inline const std::string kNf4 = "4,8,fp32,64,256";

// One normal number from two uniform ones (Box and Muller).
inline double normal(const Rng& rng, std::uint64_t index) {
  const double u = 1 - rng.uniform(2 * index);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.14159265358979323846 * rng.uniform(2 * index + 1));
}

// Mean squared error of normal weights, relative to their variance, in round numbers: b bits in blocks of B0,
// and scales of b0 bits whose own rounding adds to it.
inline double relative_error(const CodebookConfig& c) {
  const double code = c.bits == 2 ? 0.12 : c.bits == 3 ? 0.034 : c.bits == 4 ? 0.009 : 4e-5;
  const double block = c.block == 16 ? 0.72 : c.block == 32 ? 0.86 : 1.0;
  const double scale = 0.3 * std::pow(4.0, -c.scale_bits) *
                       (c.block2 == 16   ? 0.6
                        : c.block2 == 64 ? 0.8
                                         : 1.0);
  const double second = c.scale2 == ScaleDType::kBf16 ? 3e-6 : c.scale2 == ScaleDType::kFp16 ? 5e-8 : 1e-14;
  return code * block + scale + second;
}

inline std::vector<TableMatrix> llama_matrices(int layers, int hidden, int inner, int kv) {
  std::vector<TableMatrix> matrices;
  for (int layer = 0; layer < layers; ++layer) {
    const std::string at = "model.layers." + std::to_string(layer) + ".";
    matrices.push_back({at + "self_attn.q_proj.weight", hidden, hidden});
    matrices.push_back({at + "self_attn.k_proj.weight", kv, hidden});
    matrices.push_back({at + "self_attn.v_proj.weight", kv, hidden});
    matrices.push_back({at + "self_attn.o_proj.weight", hidden, hidden});
    matrices.push_back({at + "mlp.gate_proj.weight", inner, hidden});
    matrices.push_back({at + "mlp.up_proj.weight", inner, hidden});
    matrices.push_back({at + "mlp.down_proj.weight", hidden, inner});
  }
  return matrices;
}
inline std::vector<TableMatrix> llama_7b() { return llama_matrices(32, 4096, 11008, 4096); }   // 224
inline std::vector<TableMatrix> llama_70b() { return llama_matrices(80, 8192, 28672, 1024); }  // 560

// spread: standard deviation of the log of the matrices' scales.
inline ErrorTable synthetic_table(std::vector<TableMatrix> matrices, std::uint64_t seed,
                                  double spread = 1.0) {
  ErrorTable table;
  table.model = "synthetic";
  table.method = "lq";
  table.weights = "fisher";
  for (const CodebookConfig& c : all_nf_configs()) table.configs.push_back(to_string(c));
  table.matrices = std::move(matrices);
  const Rng rng(seed, stream_of("synthetic_table"));
  for (std::size_t i = 0; i < table.matrices.size(); ++i) {
    const TableMatrix& m = table.matrices[i];
    const double scale =
        1e-9 * static_cast<double>(m.rows) * static_cast<double>(m.cols) * std::exp(spread * normal(rng, i));
    for (std::size_t c = 0; c < table.configs.size(); ++c) {
      const double noise = 1 + 0.02 * normal(rng, 1'000'000 + table.position(i, c));
      table.bits.push_back(codebook_bits_per_weight(all_nf_configs()[c]));
      table.errors.push_back(scale * relative_error(all_nf_configs()[c]) * noise);
    }
  }
  return table;
}

}  // namespace lq::reference
