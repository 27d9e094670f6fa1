#include "tensor/dtype.h"

#include <array>

#include "base/error.h"

namespace lq {
namespace {

struct Entry {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<Entry, 10> kEntries = {{{DType::kF32, "F32", 4},
                                             {DType::kBf16, "BF16", 2},
                                             {DType::kF16, "F16", 2},
                                             {DType::kF64, "F64", 8},
                                             {DType::kU8, "U8", 1},
                                             {DType::kI8, "I8", 1},
                                             {DType::kI16, "I16", 2},
                                             {DType::kI32, "I32", 4},
                                             {DType::kI64, "I64", 8},
                                             {DType::kBool, "BOOL", 1}}};

const Entry& entry_of(DType dtype) {
  for (const Entry& entry : kEntries) {
    if (entry.dtype == dtype) return entry;
  }
  fail(ErrorCode::kInternal, "unknown dtype {}", static_cast<int>(dtype));
}

}  // namespace

std::size_t dtype_size(DType dtype) { return entry_of(dtype).size; }
std::string_view dtype_name(DType dtype) { return entry_of(dtype).name; }

DType dtype_from_name(std::string_view name, std::string_view who) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.dtype;
  }
  fail(ErrorCode::kUnsupported,
       "{}: dtype '{}' is not supported (expected F32, BF16, F16, F64, U8, I8, I16, I32, I64 or BOOL)", who,
       name);
}

bool is_weight_dtype(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kBf16 || dtype == DType::kF16;
}

bool is_stored_weight_dtype(DType dtype) { return is_weight_dtype(dtype) || dtype == DType::kF64; }

DType weight_dtype(DType stored) { return stored == DType::kF64 ? DType::kF32 : stored; }

}  // namespace lq
