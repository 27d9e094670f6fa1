// A NormalFloat configuration (b, b0, b1, B0, B1): code width, width and type of the two levels of scales,
// and how many weights and scales share one. LQ-LoRA (arXiv 2311.12023), section 3.2.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/nf_view.h"

namespace lq {

using ScaleDType = backends::ScaleDType;

struct CodebookConfig {
  int bits = 4;                           // b: bits of a code; 2, 3, 4, 5, 6, 8
  int scale_bits = 8;                     // b0: bits of a first-level scale, unsigned; 2, 3, 4, 8
  ScaleDType scale2 = ScaleDType::kFp32;  // b1: type of a second-level scale
  int block = 64;                         // B0: weights per first-level scale; 16, 32, 64
  int block2 = 256;                       // B1: first-level scales per second-level scale; 16, 64, 256

  bool operator==(const CodebookConfig&) const = default;
};

// "bf16", "fp16", "fp32".
std::string_view scale_dtype_name(ScaleDType dtype);
// Bytes of one second-level scale.
int scale_dtype_size(ScaleDType dtype);

// Throws Error(kInvalidArgument) naming `who` and the field, unless every field has one of its values.
void check_codebook_config(const CodebookConfig& config, std::string_view who);

// "3,8,fp32,64,256", blanks allowed round each part. Throws Error(kInvalidArgument) naming text, part and
// choices.
CodebookConfig parse_codebook_config(std::string_view text);
// The form that parse_codebook_config reads.
std::string to_string(const CodebookConfig& config);

// b + b0 / B0 + bits(b1) / (B0 B1): bits per weight of a matrix without short blocks, its offset not counted.
double codebook_bits_per_weight(const CodebookConfig& config);

// The 432 configurations of the paper, ordered by b, then b0, b1 (bf16, fp16, fp32), B0, B1, each ascending.
const std::vector<CodebookConfig>& all_nf_configs();
// Those and the ones whose codes have 5 and 6 bits, in the same order.
const std::vector<CodebookConfig>& every_codebook_config();

// (bits, 8, fp32, 64, 256): QLoRA's NF4 with double quantization, and the same for other widths.
CodebookConfig uniform_codebook_config(int bits);

}  // namespace lq
