// Element types of tensors, as safetensors names them.
#pragma once

#include <cstddef>
#include <string_view>

namespace lq {

enum class DType { kF32, kBf16, kF16, kF64, kU8, kI8, kI16, kI32, kI64, kBool };

// Bytes of one element.
std::size_t dtype_size(DType dtype);
// "F32", "BF16", ...: the safetensors name.
std::string_view dtype_name(DType dtype);
// The type of that safetensors name. Throws Error(kUnsupported) naming `who` and the name for any other.
DType dtype_from_name(std::string_view name, std::string_view who);
// True for F32, BF16 and F16: what a weight may be while it is computed with.
bool is_weight_dtype(DType dtype);
// The same, or F64: what a weight may be in a file. One in F64 is read, and written again, as F32.
bool is_stored_weight_dtype(DType dtype);
// F32 for F64; others as they are.
DType weight_dtype(DType stored);

}  // namespace lq
