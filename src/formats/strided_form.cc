#include "formats/strided_form.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace lq {

void StridedForm::to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const {
  constexpr std::int64_t kPiece = 4096;  // elements gathered at a time
  const std::size_t size = dtype_size(dtype_);
  std::array<std::byte, kPiece * 8> piece;
  for (std::int64_t at = 0; at < count; at += kPiece) {
    const std::int64_t n = std::min(kPiece, count - at);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t row = (begin + at + i) / cols_;
      const std::int64_t col = (begin + at + i) % cols_;
      std::memcpy(piece.data() + static_cast<std::size_t>(i) * size,
                  data + static_cast<std::size_t>(row * row_step_ + col * col_step_) * size, size);
    }
    convert_to_f32(dtype_, piece.data(), 0, n, out + at);
  }
}

}  // namespace lq
